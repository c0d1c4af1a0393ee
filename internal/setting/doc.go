// Package setting keeps Harbor's system configuration: what an administrator changes while Haven runs,
// by key, with a type, a default and a rule for each. What the program needs to start is in package
// config instead.
//
// Table setting: a row for each key that was ever changed, its value as JSON. Passwords are sealed.
package setting
