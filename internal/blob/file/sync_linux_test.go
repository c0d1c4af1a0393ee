package file

import "testing"

func TestSinceRelease(t *testing.T) {
	for release, want := range map[string]bool{
		"6.1.0-13-amd64": true, "5.8": true, "5.8-rc1": true, "5.10.0": true, "5.7.19": false, "4.19.0": false, "": false, "x.y": false,
	} {
		if got := since(release, 5, 8); got != want {
			t.Errorf("%q: got %v, want %v", release, got, want)
		}
	}
}
