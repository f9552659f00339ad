// Package promoter decides what should happen: which version may enter which
// environment now, what stops it, until when, and who can change that. It is
// pure: [Decide] sees a [Snapshot] and gives a [Plan], and [Admit] gives the
// places of the concurrency limits to the plans of all artifacts. Nothing here
// reads a clock, a file or the network, so the same snapshot gives the same
// plan, byte for byte.
//
// To change which version is the candidate, open candidate.go. To change what
// becomes of a lane with and without an open proposal, open lane.go; what is
// remembered against a version, memory.go; who goes first, admit.go. To change
// or add a gate, open the file of its word in [github.com/waveguide-dev/waveguide/promoter/gate]. Every decision
// has a story in testdata/story that reads like a day of an operator.
//
// # The tour
//
// Read the packages in this order.
//
// [github.com/waveguide-dev/waveguide/signals] holds the nouns of what can be known: versions, proofs, health and
// the soak clock. Its subpackages find these things out, one per source:
// signals/registry lists versions, signals/sigstore verifies signatures,
// signals/probe asks an HTTP endpoint.
//
// [github.com/waveguide-dev/waveguide/gitops] holds the nouns of what is written: lanes, what Git desires,
// proposals with labels, reviews and checks, pauses, and changes. In its
// subpackages, gitops/edit turns bytes into bytes, gitops/mirror reads
// repositories and makes commits, and the others speak to forges. What forges
// share is in gitops/limit (budgets), gitops/webhook (hints) and gitops/keep
// (what outlives a process).
//
// [github.com/waveguide-dev/waveguide/promoter/gate] answers one question per file: may this version enter this
// environment? A gate sees a case and gives a verdict with a sentence, the time
// it may change, and who can change it. set.go is the register and the order.
//
// This package puts the answers together. A [Route] is what the rules say
// about one artifact, a [Snapshot] all that is known about it, a [Plan] what to
// do. [Decide] is a dozen lines; lane.go tells the rest.
//
// promoter/prose says it to people: verdicts and evidence as text, Markdown
// and HTML, escaped for where they land.
//
// promoter/store remembers: an append-only ledger of intents, outcomes and
// evidence, and a memory of facts and cursors, in one database.
//
// promoter/loop goes on: look, decide, act, remember, sleep until the plan's
// wake or a hint. It declares the interfaces that the adapters implement.
//
// config reads what people asked for: strict, with positions, all problems at
// once. It resolves rules to routes.
//
// cmd/waveguide starts it all: one file per subcommand, and the wiring.
//
// # Words
//
// One word per idea, the same in rules, code, logs, metrics and proposals.
//
//   - artifact: a named thing that is promoted, for example a container image.
//   - version: one immutable build of an artifact. It is its digest; tags only
//     nominate.
//   - environment: a place that versions enter, with a path in the GitOps
//     repository.
//   - lane: one repository, environment and artifact; the unit of decision,
//     branch, proposal, lock and metric.
//   - desired: what the head of the protected branch names in a lane: absent,
//     at a version, or mixed where several places disagree.
//   - running: what really runs there, as far as the signals can tell.
//   - earned: a version was healthy in an environment, on that digest, for the
//     soak. It outlives the environment moving on and is lost by going back.
//   - wave: an ordered step of a promotion; the environments that are promoted
//     together.
//   - fact: one dated, sourced observation.
//   - gate: one question that must be answered yes before a version may enter
//     an environment.
//   - verdict: a gate's answer, pass, wait or block, with one sentence. The
//     zero value waits: not knowing is waiting.
//   - plan: what to do now, as data, and why, for every lane.
//   - change: one write, with the commit it was decided on.
//   - proposal: a merge or pull request of the bot: one artifact, one
//     environment, one digest.
//   - ledger: the append-only, tamper-evident record of decisions, intents,
//     outcomes and evidence.
//   - hold: a label that stops one proposal.
//   - pause: an issue, a rule or the kill switch that stops a wave, an
//     environment, an artifact or everything.
//   - freeze: a dated rule during which nothing merges.
//   - window: an opening time outside of which nothing merges.
//   - exception: a dated permission to pass one gate.
package promoter
