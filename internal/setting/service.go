package setting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// freshness is how long other replicas' changes may go unnoticed: a second, with a request's own time.
const freshness = 900 * time.Millisecond

// Service reads and changes the configuration. It is safe for concurrent use.
type Service struct {
	db    *db.DB
	box   *secret.Box
	clock func() time.Time
	keys  map[string]key
	fixed overwrite // keys set from outside, since before the first use
	tell  func()    // called after each change
	probe Probe

	mu     sync.Mutex // guards what follows, and lets one caller at a time read the table
	cached Values
	readAt time.Time // zero: nothing is cached
}

// New returns a Service; box seals passwords.
func New(d *db.DB, box *secret.Box, clock func() time.Time) *Service {
	return &Service{db: d, box: box, clock: clock, keys: definitions(), tell: func() {}, probe: func(context.Context, Values, Values) error { return nil }}
}

// Announce has tell called after each change that this process makes, so that others Forget. Call it
// before the first use of the Service.
func (s *Service) Announce(tell func()) { s.tell = tell }

// Probe looks whether a change will do outside of this program, such as whether there is somebody at an address. Its
// refusal is a fault.Invalid.
type Probe func(ctx context.Context, before, after Values) error

// Check has each change looked at by probe before it is made. Call it before the first use of the Service.
func (s *Service) Check(probe Probe) { s.probe = probe }

// Forget has the next Get read the table: another process changed it.
func (s *Service) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readAt = time.Time{}
}

// Get returns the configuration, at most a second old; this process's own changes show at once.
func (s *Service) Get(ctx context.Context) (Values, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	if age := now.Sub(s.readAt); !s.readAt.IsZero() && age >= 0 && age < freshness {
		return s.cached, nil
	}
	v, err := s.read(ctx, s.db.Auto())
	if err != nil {
		return Values{}, err
	}
	s.cached, s.readAt = v, now
	return v, nil
}

// ReadOnly reports whether nothing may be written.
func (s *Service) ReadOnly(ctx context.Context) (bool, error) {
	v, err := s.Get(ctx)
	return v.ReadOnly(), err
}

// Value is a key as the API shows it.
type Value struct {
	Value    any // string, int64 or bool
	Editable bool
}

// shown is a key's value as the API shows it.
func (v Values) shown(k key) any {
	switch {
	case k.kind != masked:
		return v.byName[k.name]
	case len(v.sealed[k.name]) > 0:
		return mask
	default:
		return ""
	}
}

// All returns every key but passwords.
func (s *Service) All(ctx context.Context) (map[string]Value, error) {
	all := map[string]Value{}
	err := s.db.Read(ctx, func(tx db.Tx) error {
		v, err := s.read(ctx, tx)
		if err != nil {
			return err
		}
		others, err := db.Get(ctx, tx, db.ScanBool, otherAccounts)
		if err != nil {
			return fmt.Errorf("look for accounts: %w", err)
		}
		for name, k := range s.keys {
			if k.kind != password {
				all[name] = Value{Value: v.shown(k), Editable: !s.fixed.any() && !k.readOnly && (name != AuthMode || !others)}
			}
		}
		return nil
	})
	return all, err
}

// Set changes the keys, all of them or none. Numbers and booleans may come as text. A key that is
// shown but has a resource of its own is ignored. by is the name of who does it; a refusal is an event
// too. The error of a client is a fault.Invalid, or fault.Forbidden while keys are set from outside.
func (s *Service) Set(ctx context.Context, by string, changes map[string]any) error {
	parsed, err := s.parse(changes)
	switch {
	case s.fixed.any():
		err = errFixed()
	case err == nil:
		if err = s.tried(ctx, parsed); err == nil {
			err = s.set(ctx, by, parsed)
		}
	}
	if errors.Is(err, fault.Invalid) || errors.Is(err, fault.Forbidden) {
		return errors.Join(err, s.Refused(ctx, by))
	}
	return err
}

// Refused notes that a change was refused, also one that couldn't be read at all.
func (s *Service) Refused(ctx context.Context, by string) error {
	return s.db.Write(ctx, func(tx db.Tx) error { return event.Append(ctx, tx, s.changed(by, false)) })
}

func (s *Service) changed(by string, success bool) event.Event {
	return event.Event{
		Kind: event.UpdateConfiguration, At: s.clock(), By: by,
		Resource: "configuration", Description: "update configuration", Success: success,
	}
}

func (s *Service) parse(changes map[string]any) (map[string]any, error) {
	parsed := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		k, known := s.keys[name]
		if !known {
			return nil, fault.Invalidf("invalid config, item not defined in metadatalist, %s", name)
		}
		if k.readOnly || k.kind == masked && (changes[name] == "" || changes[name] == mask) {
			continue
		}
		v, err := k.parse(changes[name])
		if err != nil {
			return nil, err
		}
		parsed[name] = v
	}
	return parsed, nil
}

// tried has the change probed. That takes a while, so it is done before the transaction.
func (s *Service) tried(ctx context.Context, parsed map[string]any) error {
	before, err := s.Get(ctx)
	if err != nil {
		return err
	}
	return s.probe(ctx, before, before.with(parsed))
}

func (s *Service) set(ctx context.Context, by string, parsed map[string]any) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		before, err := s.read(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.allowed(ctx, tx, before, parsed); err != nil {
			return err
		}
		if err := forgetPasswords(ctx, tx, before, parsed); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(parsed)) {
			if err := s.put(ctx, tx, name, parsed[name]); err != nil {
				return err
			}
		}
		tx.AfterCommit(s.tell)
		return event.Append(ctx, tx, s.changed(by, true))
	})
	s.Forget()
	return err
}

// allowed checks a change against the configuration it applies to.
func (s *Service) allowed(ctx context.Context, tx db.Tx, before Values, parsed map[string]any) error {
	after := before.with(parsed)
	if err := together(after); err != nil {
		return err
	}
	if after.AuthMode() == before.AuthMode() {
		return nil
	}
	others, err := db.Get(ctx, tx, db.ScanBool, otherAccounts)
	if err != nil {
		return fmt.Errorf("look for accounts: %w", err)
	}
	if others {
		return fault.Invalidf("the auth mode cannot be modified as new users have been inserted into database")
	}
	return nil
}

// with is v after a change. Passwords are those of before.
func (v Values) with(parsed map[string]any) Values {
	v.byName = maps.Clone(v.byName)
	for name, value := range parsed {
		if _, shown := v.byName[name]; shown {
			v.byName[name] = value
		}
	}
	return v
}

const (
	allSettings = `SELECT name, value FROM setting`
	putSetting  = `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	// The first administrator, account 1, signs in by password whatever the mode.
	otherAccounts = `SELECT EXISTS (SELECT 1 FROM account WHERE id > 1 AND deleted_at = 0)`
)

func (s *Service) put(ctx context.Context, tx db.Tx, name string, value any) error {
	if s.keys[name].secret() {
		value = s.box.Seal([]byte(value.(string))) // base64 in JSON
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode setting %s: %w", name, err)
	}
	if _, err := tx.Exec(ctx, putSetting, name, string(text)); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

type row struct{ name, value string }

func scanRow(r db.Row) (v row, err error) { err = r.Scan(&v.name, &v.value); return v, err }

// read returns the defaults with the table's rows over them.
func (s *Service) read(ctx context.Context, tx db.Tx) (Values, error) {
	rows, err := db.Collect(ctx, tx, scanRow, allSettings)
	if err != nil {
		return Values{}, fmt.Errorf("read settings: %w", err)
	}
	v := Values{byName: map[string]any{}, sealed: map[string][]byte{}, box: s.box}
	for name, k := range s.keys {
		if !k.secret() {
			v.byName[name] = k.initial
		}
	}
	for _, r := range rows {
		k, known := s.keys[r.name]
		if !known {
			continue // of a version that had more keys
		}
		if err := v.load(k, r.value); err != nil {
			return Values{}, fmt.Errorf("read setting %s: %w", r.name, err)
		}
	}
	s.fixed.over(v)
	return v, nil
}

// load takes a row's value, which was checked when it was set.
func (v Values) load(k key, value string) error {
	var err error
	switch k.kind {
	case number, scope:
		var n int64
		err = json.Unmarshal([]byte(value), &n)
		v.byName[k.name] = n
	case boolean:
		var b bool
		err = json.Unmarshal([]byte(value), &b)
		v.byName[k.name] = b
	case password, masked:
		var sealed []byte // base64 in JSON
		err = json.Unmarshal([]byte(value), &sealed)
		v.sealed[k.name] = sealed
	default:
		var text string
		err = json.Unmarshal([]byte(value), &text)
		v.byName[k.name] = text
	}
	return err
}
