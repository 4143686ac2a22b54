package main

import (
	"net/http"

	"github.com/maisonrmi/sopd/internal/intake"
)

// newIntake makes the webhook endpoints; each delivery that matters wakes a pass.
func (d *daemon) newIntake(waker intake.Waker) (*intake.Intake, error) {
	return intake.New(intake.Options{
		Store: d.store, Waker: waker, Logger: d.logger, Registerer: d.registry,
		Okta: d.config.OktaHooks, Jira: d.config.JiraHooks, Opsgenie: d.config.OpsHook,
	})
}

// hooks puts the webhook endpoints on mux.
func (l *loop) hooks(mux *http.ServeMux) { l.intake.Register(mux) }
