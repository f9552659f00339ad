package local

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/waveguide-dev/waveguide/gitops"
)

// addLabel is open to everybody, because labels stop.
func (r *repository) addLabel(by gitops.Actor, id, name, reason string) error {
	return r.do(func() error { return r.label(by, id, name, reason) })
}

func (r *repository) label(by gitops.Actor, id, name, reason string) error {
	t, err := r.thread(id)
	if err != nil {
		return err
	}
	if err := checkLabel(name); err != nil {
		return err
	}
	if err := checkText("reason", reason, maxReason, true); err != nil {
		return err
	}
	if t.label(name) {
		return nil
	}
	if len(t.Labels) >= maxLabels || len(t.Events) >= maxEvents {
		return refuse(http.StatusUnprocessableEntity, "%s has too many labels: take some off", id)
	}
	return r.record(event{By: by, Kind: labelled, ID: id, Label: name, Text: reason})
}

// removeLabel needs the right to end a stop.
func (r *repository) removeLabel(by gitops.Actor, id, name string) error {
	return r.do(func() error {
		t, err := r.thread(id)
		if err != nil {
			return err
		}
		if !by.Permission.Releases() {
			return refuse(http.StatusForbidden, "%s may not take labels off: write permission is needed", by.Name)
		}
		if !t.label(name) {
			return nil
		}
		return r.record(event{By: by, Kind: unlabelled, ID: id, Label: name})
	})
}

// review binds a person's word to the head that person has seen.
func (r *repository) review(by gitops.Actor, id string, said gitops.ReviewState, head gitops.Commit) error {
	return r.do(func() error {
		t, err := r.proposal(id)
		if err != nil {
			return err
		}
		switch said {
		case gitops.Approved, gitops.ChangesRequested, gitops.Dismissed:
		default:
			return refuse(http.StatusUnprocessableEntity, "review state %.20q is none of approved, changes-requested, dismissed", said)
		}
		if t.State != gitops.Open {
			return refuse(http.StatusConflict, "proposal %s is %s, not open", id, t.State)
		}
		if said == gitops.Approved && by.Name == t.Author.Name {
			return refuse(http.StatusForbidden, "%s opened proposal %s and cannot approve it", by.Name, id)
		}
		now, err := r.branch(t.Branch)
		if err != nil {
			return err
		}
		if now.String() != string(head) {
			return refuse(http.StatusConflict, "the head of proposal %s moved to %s: look again", id, short(now))
		}
		return r.record(event{By: by, Kind: reviewed, ID: id, State: string(said), Head: head})
	})
}

// comment adds a comment; one that begins with /hold holds the proposal.
// With a key it is an answer, which its author gives once.
func (r *repository) comment(by gitops.Actor, id, text, key string) error {
	return r.do(func() error {
		t, err := r.thread(id)
		if err != nil || key != "" && gitops.Answered(t.Happened, by.Name, key) {
			return err
		}
		if strings.TrimSpace(text) == "" {
			return refuse(http.StatusUnprocessableEntity, "the comment is empty")
		}
		if err := r.say(by, t, text); err != nil {
			return err
		}
		first, _, _ := strings.Cut(text, "\n")
		if word, reason, _ := strings.Cut(strings.TrimSpace(first), " "); word == "/hold" {
			return r.label(by, id, gitops.LabelHold, oneLine(strings.TrimSpace(reason), maxReason))
		}
		return nil
	})
}

func (r *repository) say(by gitops.Actor, t *thread, text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if err := checkText("comment", text, maxBody, false); err != nil {
		return err
	}
	if len(t.Comments) >= maxThread {
		return refuse(http.StatusUnprocessableEntity, "%s has %d comments: open another", t.ID, maxThread)
	}
	return r.record(event{By: by, Kind: commented, ID: t.ID, Text: text})
}

// request asks people for a review. Whoever is asked already or is not known
// here is passed over.
func (r *repository) request(by gitops.Actor, id string, who []string) error {
	return r.do(func() error {
		t, err := r.proposal(id)
		if err != nil {
			return err
		}
		if !may(by, gitops.PermissionWrite) {
			return refuse(http.StatusForbidden, "%s may not ask for reviews of proposal %s: write permission is needed", by.Name, id)
		}
		who = slices.DeleteFunc(slices.Clone(who), func(name string) bool {
			return slices.Contains(t.Requested, name) || !slices.Contains(r.people, name)
		})
		if len(who) == 0 {
			return nil
		}
		return r.record(event{By: by, Kind: requested, ID: id, Who: who})
	})
}

// reopenIssue opens an issue again: it can only stop.
func (r *repository) reopenIssue(by gitops.Actor, id string) error {
	return r.do(func() error {
		t, err := r.issue(id)
		if err != nil || t.State == gitops.Open {
			return err
		}
		return r.record(event{By: by, Kind: reopened, ID: id})
	})
}

// retitle gives an issue another title; what that narrows without the right
// does not count.
func (r *repository) retitle(by gitops.Actor, id, title string) error {
	return r.do(func() error {
		t, err := r.issue(id)
		if err != nil || t.Title == title {
			return err
		}
		if !may(by, gitops.PermissionWrite) && by.Name != t.Author.Name {
			return refuse(http.StatusForbidden, "%s may not edit issue %s: write permission is needed", by.Name, id)
		}
		if err := (draft{Title: title}).check(); err != nil {
			return err
		}
		return r.record(event{By: by, Kind: edited, ID: id, Title: title, Body: t.Body})
	})
}

// setCheck sets a commit's check. The one that merging depends on belongs to
// the bot.
func (r *repository) setCheck(by gitops.Actor, commit gitops.Commit, c gitops.Check) error {
	return r.do(func() error {
		if !may(by, gitops.PermissionWrite) || c.Name == gitops.CheckName && !by.Bot {
			return refuse(http.StatusForbidden, "%s may not set check %.64q", by.Name, c.Name)
		}
		if err := checkCheck(c); err != nil {
			return err
		}
		if !plumbing.IsHash(string(commit)) {
			return refuse(http.StatusNotFound, "%.50q is no full commit id", commit)
		}
		if _, err := object.GetCommit(r.storage(), plumbing.NewHash(string(commit))); err != nil {
			return refuse(http.StatusNotFound, "there is no commit %s", commit)
		}
		c.Required, c.By = c.Name == gitops.CheckName, by.Name
		have := r.state.checks[commit]
		if have[c.Name] == c {
			return nil
		}
		if _, ok := have[c.Name]; !ok && len(have) >= maxChecks {
			return refuse(http.StatusUnprocessableEntity, "commit %s has %d checks already", commit.Short(), maxChecks)
		}
		return r.record(event{By: by, Kind: checked, Commit: commit, Check: &c})
	})
}
