package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	out := flags.String("out", "dist", "`FOLDER` to write to")
	wanted := flags.String("platforms", "linux/amd64,linux/arm64", "`PLATFORMS` to build for")
	given := flags.String("version", "", "`VERSION` to give it, such as 1.2.3; without it, the tag that is checked out, else a development version")
	commit := flags.String("commit", "", "`COMMIT` that the sources are of, where they are no git checkout")
	at := flags.Int64("time", 0, "time of that commit, in `SECONDS` since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}
	platforms, err := parsePlatforms(*wanted)
	if err != nil {
		return err
	}
	from := source{commit: *commit, at: time.Unix(*at, 0).UTC()}
	if *commit == "" || *at == 0 {
		if from, err = checkout(ctx, "."); err != nil {
			return err
		}
	}
	v, err := versionOf(from, *given)
	if err != nil {
		return err
	}
	key, err := openKey(os.Getenv("HAVEN_RELEASE_KEY"), os.Getenv("COSIGN_PASSWORD"))
	if err != nil {
		return err
	}
	r := &release{root: ".", out: *out, version: v, platforms: platforms, key: key}
	if err := r.make(ctx); err != nil {
		return err
	}
	fmt.Printf("Haven %s for %s is in %s\n", v.release, strings.ReplaceAll(*wanted, ",", ", "), *out)
	if key == nil {
		fmt.Println("nothing is signed: HAVEN_RELEASE_KEY names no key")
	}
	return nil
}
