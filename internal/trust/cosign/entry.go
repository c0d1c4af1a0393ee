package cosign

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// parseEntry reads a log's entry as annotations hold it, with the log's promise to include it.
func parseEntry(document []byte) (*protorekor.TransparencyLogEntry, error) {
	if _, err := within(document, "Payload"); err != nil {
		return nil, err
	}
	var written struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           string `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal(document, &written); err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	id, err := hex.DecodeString(written.Payload.LogID)
	if err != nil || len(id) == 0 {
		return nil, errors.New("doesn't name a log")
	}
	body, err := base64.StdEncoding.DecodeString(written.Payload.Body)
	if err != nil {
		return nil, errors.New("has a body that isn't base64")
	}
	kind, err := fields(body)
	if err != nil {
		return nil, fmt.Errorf("has a body that %w", err)
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex: written.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: written.Payload.IntegratedTime,
		KindVersion:       &protorekor.KindVersion{Kind: text(kind["kind"]), Version: text(kind["apiVersion"])},
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: written.SignedEntryTimestamp},
		CanonicalizedBody: body,
	}, nil
}

// logged is what the body of an entry says to have seen.
type logged struct {
	signature []byte
	maker     []byte // a certificate or key in PEM
}

// isOf checks that an entry is one of this signature by this maker, before anybody else reads it: who parses entries verifies
// the signatures in them too, by whatever keys they bring, and strangers may append any entry to a signature that is right. An entry of a log of the
// second generation has its hash computed anew from the signature, and needs no comparison.
func isOf(body []byte, m maker, signature []byte) error {
	if len(body) > mostBody {
		return fmt.Errorf("it is larger than %d bytes", mostBody)
	}
	top, err := exactly(body, "apiVersion", "kind", "spec")
	if err != nil {
		return fmt.Errorf("it %w", err)
	}
	var seen logged
	switch kind := text(top["kind"]) + " " + text(top["apiVersion"]); kind {
	case "hashedrekord 0.0.2":
		return nil
	case "hashedrekord 0.0.1":
		seen, err = bytesLogged(top["spec"])
	case "dsse 0.0.1":
		seen, err = envelopeLogged(top["spec"])
	case "intoto 0.0.2":
		seen, err = statementLogged(top["spec"])
	default:
		return fmt.Errorf("it is of the kind %q", shown(kind))
	}
	if err != nil {
		return fmt.Errorf("it %w", err)
	}
	if !bytes.Equal(seen.signature, signature) {
		return errors.New("it is of another signature")
	}
	if !m.isNamed(seen.maker) {
		return errors.New("it is of another certificate or key")
	}
	return nil
}

// isNamed says whether text in PEM is the maker's certificate, or his key where he has none; a certificate of the key will do for that.
func (m maker) isNamed(text []byte) bool {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return false
	}
	if m.certificate != nil {
		return block.Type == "CERTIFICATE" && bytes.Equal(block.Bytes, m.certificate.Raw)
	}
	key, err := x509.MarshalPKIXPublicKey(m.key)
	if err != nil {
		return false
	}
	if block.Type == "CERTIFICATE" {
		certificate, err := x509.ParseCertificate(block.Bytes)
		return err == nil && bytes.Equal(certificate.RawSubjectPublicKeyInfo, key)
	}
	return block.Type == "PUBLIC KEY" && bytes.Equal(block.Bytes, key)
}

// bytesLogged reads the entry of a signature over plain bytes.
func bytesLogged(spec []byte) (logged, error) {
	top, err := exactly(spec, "data", "signature")
	if err != nil {
		return logged{}, err
	}
	signature, err := exactly(top["signature"], "content", "publicKey")
	if err != nil {
		return logged{}, err
	}
	key, err := exactly(signature["publicKey"], "content")
	if err != nil {
		return logged{}, err
	}
	return newLogged(text(signature["content"]), text(key["content"]))
}

// envelopeLogged reads the entry of an envelope.
func envelopeLogged(spec []byte) (logged, error) {
	top, err := exactly(spec, "envelopeHash", "payloadHash", "signatures")
	if err != nil {
		return logged{}, err
	}
	one, err := onlyOne(top["signatures"], "signature", "verifier")
	if err != nil {
		return logged{}, err
	}
	return newLogged(text(one["signature"]), text(one["verifier"]))
}

// statementLogged reads the entry of an envelope, as it was before: with its signature in base64 twice.
func statementLogged(spec []byte) (logged, error) {
	top, err := exactly(spec, "content")
	if err != nil {
		return logged{}, err
	}
	content, err := exactly(top["content"], "envelope", "hash", "payloadHash")
	if err != nil {
		return logged{}, err
	}
	envelope, err := exactly(content["envelope"], "payloadType", "signatures")
	if err != nil {
		return logged{}, err
	}
	one, err := onlyOne(envelope["signatures"], "keyid", "publicKey", "sig")
	if err != nil {
		return logged{}, err
	}
	inner, err := base64.StdEncoding.DecodeString(text(one["sig"]))
	if err != nil {
		return logged{}, errors.New("has a signature that isn't base64")
	}
	return newLogged(string(inner), text(one["publicKey"]))
}

func newLogged(signature, maker string) (logged, error) {
	var seen logged
	var err error
	if seen.signature, err = base64.StdEncoding.DecodeString(signature); err != nil {
		return logged{}, errors.New("has a signature that isn't base64")
	}
	if seen.maker, err = base64.StdEncoding.DecodeString(maker); err != nil {
		return logged{}, errors.New("has a key that isn't base64")
	}
	return seen, nil
}

// exactly reads an object that has no other fields than these.
func exactly(document []byte, names ...string) (map[string]json.RawMessage, error) {
	found, err := fields(document)
	if err != nil {
		return nil, err
	}
	for name := range found {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("has a field %q", shown(name))
		}
	}
	return found, nil
}

// onlyOne reads a list of one object.
func onlyOne(list []byte, names ...string) (map[string]json.RawMessage, error) {
	var written []json.RawMessage
	if err := json.Unmarshal(list, &written); err != nil || len(written) != 1 {
		return nil, errors.New("doesn't have one signature")
	}
	return exactly(written[0], names...)
}
