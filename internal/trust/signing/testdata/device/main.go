// Program device signs with the key in a file, as a hardware module would with the one in it. It needs its own environment, and
// nothing of the server's.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := answer(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(file, question string) error {
	if os.Getenv("HAVEN_DATABASE_URL") != "" || os.Getenv("DEVICE_PIN") == "" {
		return errors.New("not the environment that it should have")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(text)
	if err != nil {
		return err
	}
	key := parsed.(*ecdsa.PrivateKey)
	if question == "public-key" {
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return err
		}
		return pem.Encode(os.Stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	sum, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	signature, err := key.Sign(rand.Reader, sum, crypto.SHA256)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signature)
	return err
}
