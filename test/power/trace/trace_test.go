package trace

import (
	"fmt"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	const text = `10 openat(-100, "\x2f\x61", 0x80042, 0644) = 7
11 pwrite64(7, "\x68\x69", 2, 4096 <unfinished ...>
10 fsync(7)                          = 0
11 <... pwrite64 resumed>)           = 2
12 writev(9, [{iov_base="\x61", iov_len=1}, {iov_base="\x62\x63", iov_len=2}], 2) = 3
12 unlink("\x2f\x62") = -1 ENOENT (No such file or directory)
13 mmap(NULL, 32768, 0x3, 0x1, 10, 0) = 0x7f0000000000
13 fcntl(8, 0x6, {l_type=0x1, l_whence=0, l_start=1, l_len=1}) = 0
13 mkdirat(5, "\x78", 0750) = 0
13 openat2(5, "\x78", {flags=0x80042, mode=0640, resolve=0xa}, 24) = 8
14 fsync(7 <unfinished ...>
13 close(7) = 0
+++ exited with 0 +++
`
	calls, err := Read(strings.NewReader(strings.ReplaceAll(text, "\n+++", "\n13 +++")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range calls {
		exit := fmt.Sprint(c.Exit)
		if c.Exit == Unended {
			exit = "never"
		}
		var args []string
		for _, a := range c.Args {
			switch {
			case a.IsText:
				args = append(args, string(a.Text))
			case a.Strings != nil:
				args = append(args, fmt.Sprintf("%s", a.Strings))
			default:
				args = append(args, fmt.Sprint(a.Number))
			}
		}
		got = append(got, fmt.Sprintf("%d-%s %s(%s)=%d %t", c.Enter, exit, c.Name, strings.Join(args, ","), c.Result, c.Failed))
	}
	want := []string{
		"1-1 openat(-100,/a,524354,420)=7 false",
		"2-4 pwrite64(7,hi,2,4096)=2 false",
		"3-3 fsync(7)=0 false",
		"5-5 writev(9,[a bc],2)=3 false",
		"6-6 unlink(/b)=-1 true",
		"7-7 mmap(0,32768,3,1,10,0)=139637976727552 false",
		"8-8 fcntl(8,6,0)=0 false",
		"9-9 mkdirat(5,x,488)=0 false",
		"10-10 openat2(5,x,524354,24)=8 false",
		"11-never fsync(7)=0 false",
		"12-12 close(7)=0 false",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestReadRefusesWhatItCanNotKnow(t *testing.T) {
	for _, text := range []string{
		`1 write(3, "\x61"..., 500) = 500`,
		`1 write(3, "abc", 3) = 3`,
		`1 <... write resumed>) = 3`,
		`write(3) = 3`,
	} {
		if calls, err := Read(strings.NewReader(text + "\n")); err == nil {
			t.Errorf("%s: read as %+v", text, calls[0])
		}
	}
}
