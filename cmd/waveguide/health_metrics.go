package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/waveguide-dev/waveguide/signals"
)

// How a question to a source of health went.
const (
	resultAnswered = "answered"
	// resultUnknown is an answer from which nothing followed.
	resultUnknown = "unknown"
	resultFailed  = "failed"
	// resultRested is a question that was not sent, because the source is sick.
	resultRested = "rested"
)

// signalQuestions counts the questions to each connection.
func signalQuestions() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waveguide_signal_questions_total", Help: "Questions to sources of health by connection and how they went.",
	}, []string{"signal", "result"})
}

func resultOf(sick string, h signals.Health) string {
	switch {
	case sick != "":
		return resultFailed
	case h.State == signals.StateUnknown:
		return resultUnknown
	}
	return resultAnswered
}
