package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waveguide-dev/waveguide/config"
	"github.com/waveguide-dev/waveguide/promoter"
	"github.com/waveguide-dev/waveguide/promoter/gate"
	"github.com/waveguide-dev/waveguide/promoter/prose"
	"github.com/waveguide-dev/waveguide/signals"
)

// verification is the answer of verify.
type verification struct {
	Image   string          `json:"image"`
	Version signals.Version `json:"version"`
	Proofs  []signals.Proof `json:"proofs"`
	Verdict gate.Verdict    `json:"verdict"`
}

func verifyCommand(s streams) *cobra.Command {
	var file, key, output string
	c := &cobra.Command{
		Use: "verify REFERENCE", Short: "Verify the signatures of one image with the keys of the daemon's file", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := readDaemon(file)
			if err != nil {
				return err
			}
			v, err := verify(cmd.Context(), d, args[0], key)
			if err != nil {
				return err
			}
			if err := answer(s.out, output, v, func(w io.Writer) {
				fmt.Fprintf(w, "%s %s\n%s\n", v.Image, prose.Plain(v.Version.String()), prose.Plain(v.Verdict.String()))
			}); err != nil {
				return err
			}
			if v.Verdict.Answer != gate.Pass {
				return fmt.Errorf("%s is not verified", args[0])
			}
			return nil
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&key, "key", "", "the name of the key; needed if the daemon's file has several")
	outputFlag(c, &output)
	return c
}

// verify asks the signature gate about one image, as the daemon would.
func verify(ctx context.Context, d *config.Daemon, reference, key string) (verification, error) {
	image, digest, _ := strings.Cut(reference, "@")
	tag := ""
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image, tag = image[:i], image[i+1:]
	}
	if key == "" && len(d.Trust.Keys) == 1 {
		key = d.Trust.Keys[0].Name
	}
	if key == "" {
		return verification{}, usage{fmt.Errorf("say with --key which of the %d keys of the daemon's file must have signed", len(d.Trust.Keys))}
	}
	o := newOCI(d, nil)
	v := verification{Image: image, Version: signals.Version{Tag: tag, Digest: signals.Digest(digest)}}
	if digest == "" {
		r, repository, err := o.open(image)
		if err != nil {
			return v, err
		}
		if v.Version, err = r.Resolve(ctx, repository, tag); err != nil {
			return v, err
		}
	} else if _, err := signals.ParseDigest(digest); err != nil {
		return v, usage{err}
	}
	g := &gate.Signature{Key: key}
	proofs, err := o.Proofs(ctx, image, v.Version.Digest, promoter.Stop{Gates: gate.Set{Signature: g}}, true)
	if err != nil {
		return v, err
	}
	v.Proofs = proofs
	v.Verdict = g.Check(gate.Case{Now: time.Now().UTC(), Candidate: v.Version, Image: image, Facts: signals.Facts{Proofs: v.Proofs}})
	v.Verdict.Gate = "signature"
	return v, nil
}
