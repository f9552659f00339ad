package signals

// Facts is what is known about one lane and the version that wants to enter
// it. Absence is represented by absence: what nobody could find out is not in
// here, and gates turn that into waiting.
type Facts struct {
	Proofs []Proof `json:"proofs,omitempty" yaml:"proofs,omitempty"`
	// Health are the newest answers of the lane's signals.
	Health []Health `json:"health,omitempty" yaml:"health,omitempty"`
	// Streak is the soak clock of what runs in the lane.
	Streak Streak `json:"streak,omitzero" yaml:"streak,omitempty"`
	// Earned are the digests that earned the lane.
	Earned []Earned `json:"earned,omitempty" yaml:"earned,omitempty"`
}

// Proof is the result for one kind of evidence about one digest.
func (f Facts) Proof(kind ProofKind, d Digest) (Proof, bool) {
	for _, p := range f.Proofs {
		if p.Kind == kind && p.Digest == d {
			return p, true
		}
	}
	return Proof{}, false
}

// Signal is the newest answer of the signal with that name.
func (f Facts) Signal(name string) (Health, bool) {
	for _, h := range f.Health {
		if h.Name == name {
			return h, true
		}
	}
	return Health{}, false
}

// Running is the digest that runs, and false while signals that can tell
// disagree or none can.
func (f Facts) Running() (Digest, bool) {
	var d Digest
	for _, h := range f.Health {
		switch {
		case h.Digest == "":
		case d == "":
			d = h.Digest
		case d != h.Digest:
			return "", false
		}
	}
	return d, d != ""
}
