package setting

import (
	"maps"
	"slices"
)

// Description is what a client needs to know of a key.
type Description struct {
	Name   string
	Form   Form
	Secret bool // it can be set, and not be read
	Filled bool // it can't be set to nothing, though it may have no value yet
}

// Form says what a key's value is.
type Form int

// The forms of values.
const (
	Words  Form = iota // text
	Number             // a whole number
	Truth              // true or false
)

// Describe lists the keys that clients may set, by name.
func Describe() []Description {
	all := definitions()
	var out []Description
	for _, name := range slices.Sorted(maps.Keys(all)) {
		k := all[name]
		if k.readOnly {
			continue
		}
		d := Description{Name: name, Secret: k.secret(), Filled: k.kind == nonEmpty}
		switch k.kind {
		case number, scope:
			d.Form = Number
		case boolean:
			d.Form = Truth
		}
		out = append(out, d)
	}
	return out
}
