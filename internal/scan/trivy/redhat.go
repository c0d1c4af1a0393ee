package trivy

import (
	"encoding/json"
	"path"
	"strings"
)

// contentManifest reads which repositories the packages of a layer by Red Hat come from.
func contentManifest(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	var manifest struct {
		ContentSets []string `json:"content_sets"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return err
	}
	if len(manifest.ContentSets) > 0 {
		in.said = true
		in.walk.layer.BuildInfo.ContentSets = manifest.ContentSets
	}
	return nil
}

// buildDockerfile reads which of Red Hat's images a layer is: two labels of its Dockerfile, and the file's name, which
// ends with version and release.
func buildDockerfile(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	component, arch := parseLabels(string(text))
	if component == "" || arch == "" {
		return nil
	}
	in.said = true
	in.walk.layer.BuildInfo.NVR, in.walk.layer.BuildInfo.Arch = component+"-"+buildVersion(path.Base(in.path)), arch
	return nil
}

// buildVersion takes the last two parts of a name such as Dockerfile-ubi8-8.3-227.
func buildVersion(name string) string {
	p := strings.Split(name, "-")
	if len(p) < 2 {
		return ""
	}
	return strings.Join(p[len(p)-2:], "-")
}

// parseLabels finds two labels in a Dockerfile. Their values are words, or variables that ENV or ARG set before.
func parseLabels(text string) (component, arch string) {
	variables := map[string]string{}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\\\n", " ")
	for line := range strings.SplitSeq(text, "\n") {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		instruction = strings.ToUpper(instruction)
		if instruction != "LABEL" && instruction != "ENV" && instruction != "ARG" {
			continue
		}
		for key, value := range pairs(rest) {
			value = expand(value, variables)
			if instruction != "LABEL" {
				variables[key] = value
				continue
			}
			switch strings.ToLower(key) {
			case "com.redhat.component", "bzcomponent":
				component = value
			case "architecture":
				arch = value
			}
		}
	}
	return component, arch
}

// pairs reads key=value words, with quotes around either, or the old form of one key and its value.
func pairs(text string) map[string]string {
	found := map[string]string{}
	words := quotedWords(text)
	for _, word := range words {
		if key, value, ok := strings.Cut(word, "="); ok {
			found[key] = value
		}
	}
	if len(found) == 0 && len(words) >= 2 {
		found[words[0]] = strings.Join(words[1:], " ")
	}
	return found
}

// quotedWords splits at spaces outside of quotes, and leaves the quotes out.
func quotedWords(text string) (words []string) {
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// expand replaces a value that is a variable, or ends with one, as Red Hat's Dockerfiles have them.
func expand(value string, variables map[string]string) string {
	for name, v := range variables {
		value = strings.ReplaceAll(strings.ReplaceAll(value, "${"+name+"}", v), "$"+name, v)
	}
	return value
}
