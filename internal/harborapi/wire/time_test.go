package wire

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Time{}, `"0001-01-01T00:00:00.000Z"`},
		{time.Date(2026, 1, 2, 3, 4, 5, 6_789_000, time.UTC), `"2026-01-02T03:04:05.006Z"`},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), `"2026-01-02T02:04:05.000Z"`},
	} {
		b, err := json.Marshal(Time(c.t))
		if err != nil || string(b) != c.want {
			t.Errorf("%v: %s, %v; want %s", c.t, b, err, c.want)
		}
		var back Time
		if err := json.Unmarshal(b, &back); err != nil || !time.Time(back).Equal(c.t.Truncate(time.Millisecond)) {
			t.Errorf("%s came back as %v, %v", b, time.Time(back), err)
		}
	}
}

func TestTimeRefuses(t *testing.T) {
	var v Time
	if err := json.Unmarshal([]byte(`"yesterday"`), &v); err == nil {
		t.Error("yesterday was read as a time")
	}
	if err := json.Unmarshal([]byte(`null`), &v); err != nil || !time.Time(v).IsZero() {
		t.Errorf("null: %v, %v", v, err)
	}
}
