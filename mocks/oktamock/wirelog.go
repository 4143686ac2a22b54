package oktamock

// The specification does not allow null where a log event has nothing to tell, so such fields are left out.

type wireEvent struct {
	Actor           wireActor       `json:"actor"`
	Client          wireClient      `json:"client"`
	Authentication  wireAuthn       `json:"authenticationContext"`
	DisplayMessage  string          `json:"displayMessage"`
	EventType       string          `json:"eventType"`
	Outcome         wireOutcome     `json:"outcome"`
	Published       string          `json:"published"`
	Security        wireSecurity    `json:"securityContext"`
	Severity        string          `json:"severity"`
	Debug           wireDebug       `json:"debugContext"`
	LegacyEventType string          `json:"legacyEventType"`
	Transaction     wireTransaction `json:"transaction"`
	UUID            string          `json:"uuid"`
	Version         string          `json:"version"`
	Request         wireRequest     `json:"request"`
	Target          []wireTarget    `json:"target"`
}

type wireActor struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

type wireTarget struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

type wireClient struct {
	UserAgent           *wireUserAgent `json:"userAgent,omitempty"`
	Zone                string         `json:"zone,omitempty"`
	Device              string         `json:"device,omitempty"`
	ID                  *string        `json:"id,omitempty"`
	IPAddress           *string        `json:"ipAddress,omitempty"`
	GeographicalContext *struct{}      `json:"geographicalContext,omitempty"`
}

type wireUserAgent struct {
	Raw     string `json:"rawUserAgent"`
	OS      string `json:"os"`
	Browser string `json:"browser"`
}

type wireAuthn struct {
	Provider          *string `json:"authenticationProvider,omitempty"`
	CredentialType    *string `json:"credentialType,omitempty"`
	Step              int     `json:"authenticationStep"`
	ExternalSessionID string  `json:"externalSessionId"`
}

type wireOutcome struct {
	Result string  `json:"result"`
	Reason *string `json:"reason,omitempty"`
}

type wireSecurity struct {
	ASNumber *int    `json:"asNumber"`
	ASOrg    *string `json:"asOrg"`
	ISP      *string `json:"isp"`
	Domain   *string `json:"domain"`
	IsProxy  *bool   `json:"isProxy"`
}

type wireDebug struct {
	Data map[string]any `json:"debugData"`
}

type wireTransaction struct {
	Type   string         `json:"type"`
	ID     string         `json:"id"`
	Detail map[string]any `json:"detail"`
}

type wireRequest struct {
	IPChain []wireIP `json:"ipChain"`
}

type wireIP struct {
	IP      string `json:"ip"`
	Version string `json:"version"`
}

func (e *Event) wire() wireEvent {
	w := wireEvent{
		Actor:          wireActor{ID: e.Actor.ID, Type: e.Actor.Type, AlternateID: e.Actor.AlternateID, DisplayName: e.Actor.DisplayName},
		Authentication: wireAuthn{ExternalSessionID: "trs" + e.Transaction},
		DisplayMessage: e.message, EventType: e.Type, LegacyEventType: e.Type, Severity: e.severity, UUID: e.UUID, Version: "0",
		Published: stamp(e.Published), Outcome: wireOutcome{Result: e.Result, Reason: stampOrNull(e.Reason, e.Reason == "")},
		Debug:       wireDebug{Data: map[string]any{}},
		Transaction: wireTransaction{Type: "JOB", ID: e.Transaction, Detail: map[string]any{}},
		Request:     wireRequest{IPChain: []wireIP{}}, Target: []wireTarget{},
	}
	if e.client != "" {
		w.Transaction.Type = "WEB"
		w.Client = wireClient{
			IPAddress: &e.client, Zone: "null", Device: "Computer", UserAgent: &wireUserAgent{"mock", "Linux", "UNKNOWN"},
		}
		w.Request.IPChain = []wireIP{{e.client, "V4"}}
	}
	for _, t := range e.Targets {
		w.Target = append(w.Target, wireTarget(t))
	}
	return w
}
