package db

import "context"

// MigrateTo brings the schema to a version, upwards or downwards.
func (d *DB) MigrateTo(ctx context.Context, version int64) error {
	p, err := d.provider()
	if err != nil {
		return err
	}
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if current > version {
		_, err = p.DownTo(ctx, version)
	} else {
		_, err = p.UpTo(ctx, version)
	}
	return err
}

// UpPart is what the migration does.
func UpPart(m Migration) string { return m.up() }

// AddMigration adds one of a later program to those of this one until what it returns is called.
func AddMigration(text string) (end func()) {
	before := later
	later += upMark + text + "\n"
	return func() { later = before }
}
