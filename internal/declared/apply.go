package declared

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Told hears of each step that was done.
type Told func(format string, args ...any)

// Apply makes the registry what the document says. The plan is shown first, and only then, when all secrets that it needs are at
// hand, is anything done. It ends with the first step that is refused; the error says which were done and which weren't. What was
// done is no difference any more, so it can be run again.
func (a *API) Apply(ctx context.Context, d *Document, prune bool, shown func(Plan) error, told Told) error {
	p, err := a.planned(ctx, d, prune)
	if err != nil {
		return err
	}
	if err := shown(p.plan); err != nil {
		return err
	}
	steps := p.plan.Steps
	if err := fetchSecrets(steps); err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	for i, s := range steps {
		if err := s.do(ctx, p.session); err != nil {
			return unfinished(fmt.Errorf("%s %s: %w", s.Action, s.Object, err), steps, i)
		}
		told("%sd %s", s.Action, plain(s.Object))
	}
	return nil
}

func fetchSecrets(steps []Step) error {
	var missing []error
	for _, s := range steps {
		for name, ref := range s.refs {
			d, err := ref.due()
			if err != nil {
				missing = append(missing, fmt.Errorf("%s: %s: %w", s.Object, name, err))
			}
			s.want.secret[name] = d
		}
	}
	return errors.Join(missing...)
}

func (s Step) do(ctx context.Context, with *session) error {
	place := s.Object
	switch s.Action {
	case Delete:
		if err := s.kind.remove(ctx, with, s.want.have); err != nil {
			return err
		}
		return with.forget(ctx, place)
	case Create:
		if err := s.kind.create(ctx, with, s.want); err != nil {
			return err
		}
	case Change:
		if err := s.kind.change(ctx, with, s.want); err != nil {
			return err
		}
	}
	for name, ref := range s.refs {
		if err := with.remember(ctx, place+"/"+name, ref.version); err != nil {
			return err
		}
	}
	return nil
}

// unfinished says what was done before step i was refused, and what wasn't done after it.
func unfinished(err error, steps []Step, i int) error {
	var b strings.Builder
	list := func(title string, steps []Step) {
		if len(steps) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s:", title)
		for _, s := range steps {
			fmt.Fprintf(&b, "\n  %s %s", s.Action, plain(s.Object))
		}
	}
	list("done", steps[:i])
	list("not done", steps[i:])
	return fmt.Errorf("%w%s\nrun it again to go on from there", err, b.String())
}
