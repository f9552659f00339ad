package kubernetes

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/waveguide-dev/waveguide/signals"
)

// kubelet's own measure: a container that ran this long starts with a fresh
// back-off, so a crash before that is one of a loop.
const loopRun = 10 * time.Minute

// unstarted is how long a pod that is not ready may be called on its way.
const unstarted = 10 * time.Minute

// seen is what one pod says about the artifact's image.
type seen struct {
	pod string
	// image is what the pod asks for, digest what runs; empty while it does not.
	image  string
	digest signals.Digest
	rung   signals.Rung
	// since is when the container started or the pod became ready, whichever is
	// later; zero while it is not.
	since time.Time
	// trouble is why it cannot run, since when in troubled.
	trouble  string
	troubled time.Time
	restarts int32
}

// readPod reads a pod's containers of an image. A pod that ended or is being
// ended says nothing.
func readPod(p *corev1.Pod, image string, now time.Time) []seen {
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return nil
	}
	trouble, troubled := podTrouble(p, now)
	ready := readySince(p)
	var out []seen
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if Repository(c.Image) != Repository(image) {
			continue
		}
		s := seen{pod: p.Name, image: c.Image, trouble: trouble, troubled: troubled}
		for _, status := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			if status.Name == c.Name {
				s.read(&status)
			}
		}
		if !ready.IsZero() && !s.since.IsZero() {
			s.since = later(s.since, ready)
		} else {
			s.since = time.Time{}
		}
		out = append(out, s)
	}
	return out
}

// read takes the digest from what the node says, or from what the pod asks for
// where the node names the image by something else (its configuration, or the
// manifest of its platform).
func (s *seen) read(status *corev1.ContainerStatus) {
	s.restarts = status.RestartCount
	switch {
	case status.State.Running != nil:
		s.since = status.State.Running.StartedAt.Time
	case status.State.Terminated != nil && status.State.Terminated.ExitCode == 0: // an init container that is done
		s.since = status.State.Terminated.FinishedAt.Time
	default:
		return
	}
	asked, ran := Digest(s.image), Digest(status.ImageID)
	switch {
	case ran != "" && (asked == "" || asked == ran):
		s.digest, s.rung = ran, signals.RungPod
	case asked != "" && status.ImageID != "":
		s.digest, s.rung = asked, signals.RungSpec
	}
}

// podTrouble says why a pod cannot run: a container that waits for a reason
// that does not pass by itself, or one that crashes again and again.
func podTrouble(p *corev1.Pod, now time.Time) (string, time.Time) {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		ended := s.LastTerminationState.Terminated
		if w := s.State.Waiting; w != nil && slices.Contains([]string{
			"CrashLoopBackOff", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
			"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
		}, w.Reason) {
			since := unreadySince(p)
			if ended != nil {
				since = ended.FinishedAt.Time
			}
			return fmt.Sprintf("pod %s: container %s is in %s%s", Plain(p.Name), Plain(s.Name), w.Reason, counted(s.RestartCount)), since
		}
		if ended != nil && s.RestartCount > 1 && ended.ExitCode != 0 &&
			now.Sub(ended.FinishedAt.Time) < loopRun && ended.FinishedAt.Sub(ended.StartedAt.Time) < loopRun {
			return fmt.Sprintf("pod %s: container %s crashes again and again%s", Plain(p.Name), Plain(s.Name), counted(s.RestartCount)), ended.FinishedAt.Time
		}
	}
	if since := unreadySince(p); !since.IsZero() && now.Sub(since) > unstarted {
		return fmt.Sprintf("pod %s is not ready since %s", Plain(p.Name), since.UTC().Format(time.RFC3339)), since
	}
	return "", time.Time{}
}

func counted(restarts int32) string {
	if restarts == 0 {
		return ""
	}
	return fmt.Sprintf(" after %d restarts", restarts)
}

func readySince(p *corev1.Pod) time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

func unreadySince(p *corev1.Pod) time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
