package db

import "testing"

func TestMemoIsBounded(t *testing.T) {
	m := NewMemo[int, int](10 * (memoOverhead + 7))
	for i := range 100 {
		m.Put(1, i, i, 7)
		m.Put(1, i, i, 7) // the same again takes no more room
		if v, ok := m.Get(1, i); !ok || v != i {
			t.Fatalf("%d is %d, %v", i, v, ok)
		}
	}
	if len(m.entries) != 10 || m.bytes != m.most {
		t.Errorf("%d entries of %d bytes, want 10 of %d", len(m.entries), m.bytes, m.most)
	}
	m.Put(1, 1000, 0, m.most)
	if _, ok := m.Get(1, 1000); ok {
		t.Error("what is larger than all that may be remembered is remembered")
	}
}

func TestMemoBelievesOneVersion(t *testing.T) {
	m := NewMemo[int, string](10_000)
	m.Put(1, 1, "old", 0)
	m.Put(2, 2, "new", 0)
	m.Put(1, 1, "late", 0)
	if _, ok := m.Get(1, 1); ok {
		t.Error("the version that has passed knows something")
	}
	if _, ok := m.Get(2, 1); ok {
		t.Error("what was read before a change is believed")
	}
	if v, ok := m.Get(2, 2); !ok || v != "new" || len(m.entries) != 1 {
		t.Errorf("got %q, %v, of %d", v, ok, len(m.entries))
	}
	if _, ok := m.Get(3, 2); ok {
		t.Error("what was read before a change that nobody has read after is believed")
	}
}
