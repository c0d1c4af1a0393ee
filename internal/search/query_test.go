package search

import "testing"

const digest = "sha256:4fbc7bd8e0f5c2d0c3b6a1e9d8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9"

func TestParse(t *testing.T) {
	for text, want := range map[string]Query{
		"":                        {},
		"  \x00 ":                 {},
		"redis":                   {Name: "redis"},
		"redis:7":                 {Name: "redis", Tag: "7"},
		"redis 7":                 {Name: "redis", Tag: "7"},
		"redis:":                  {Name: "redis"},
		"team/app":                {Name: "team/app"},
		"team/back/app:1.0":       {Name: "team/back/app", Tag: "1.0"},
		"reg.example/team/app:1":  {Name: "team/app", Tag: "1"},
		"reg.example:5000/a/b:1":  {Name: "a/b", Tag: "1"},
		"localhost/a/b":           {Name: "a/b"},
		"other.example/a/b:1":     {Name: "other.example/a/b", Tag: "1"}, // which may be a project
		"team/app@" + digest:      {Name: "team/app", Digest: digest},
		"team/app:1@" + digest:    {Name: "team/app", Digest: digest},
		digest:                    {Digest: digest},
		"SHA256:4FBC":             {Digest: "sha256:4fbc"},
		"4fbc7bd":                 {Name: "4fbc7bd", Digest: "sha256:4fbc7bd"},
		"defaced":                 {Name: "defaced"}, // a word
		"20241130":                {Name: "20241130", Digest: "sha256:20241130"},
		"CVE-2024-1":              {Name: "CVE-2024-1"},
		"docker pull redis/app:1": {Name: "redis/app", Tag: "1"},
		"sudo docker run --rm -it --platform linux/amd64 reg.example/team/app:1.0 sh": {Name: "team/app", Tag: "1.0"},
		"$ podman pull --tls-verify=false reg.example/team/app@" + digest:             {Name: "team/app", Digest: digest},
		"helm pull --plain-http oci://reg.example/team/chart --version 1.0.0+build":   {Name: "team/chart", Tag: "1.0.0_build"},
		"docker pull reg.example/team/app":                                            {Name: "team/app"},
		"docker pull app:1":                                                           {Name: "app", Tag: "1"},
		"\tdocker  pull\n reg.example/team/app:1.0 ":                                  {Name: "team/app", Tag: "1.0"},
	} {
		if got := Parse(text, "reg.example"); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}
