package remote

import (
	"context"
	"time"
)

// fleeting keeps something that ends, such as a login for some hours, and makes another shortly before. It is safe for concurrent
// use: who comes while one is made waits for it, as long as he likes.
type fleeting[T any] struct {
	clock func() time.Time
	// make returns one, and when it ends.
	make func(ctx context.Context) (T, time.Time, error)

	lock       chan struct{} // holds one while somebody has the rest
	value      T
	made, ends time.Time
}

func newFleeting[T any](clock func() time.Time, makeOne func(ctx context.Context) (T, time.Time, error)) *fleeting[T] {
	return &fleeting[T]{clock: clock, make: makeOne, lock: make(chan struct{}, 1)}
}

// anewAfter is how old one must be to be made anew because it was refused: else whoever has no rights would have it made each time.
const anewAfter = time.Minute

// get returns one that is good for a while. fresh says that the last one was refused.
func (f *fleeting[T]) get(ctx context.Context, fresh bool) (T, error) {
	var none T
	select {
	case f.lock <- struct{}{}:
		defer func() { <-f.lock }()
	case <-ctx.Done():
		return none, broken(ctx, "what gives logins", ctx.Err())
	}
	now := f.clock()
	life := f.ends.Sub(f.made)
	good := !f.made.IsZero() && now.Before(f.ends.Add(-min(life/4, 10*time.Minute)))
	if good && (!fresh || now.Sub(f.made) < anewAfter) {
		return f.value, nil
	}
	value, ends, err := f.make(ctx)
	if err != nil {
		return none, err
	}
	f.value, f.made, f.ends = value, f.clock(), ends
	return value, nil
}
