package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

var (
	errUnknownType = errors.New("a type that is not known")
	errNoID        = errors.New("no envelope_id")
	errTooLarge    = errors.New("too large")
)

// parse reads a frame of Slack's. The envelope is nil for what is none: hello and
// disconnect. With an error it is not to be worked on.
func parse(frame []byte) (socketmode.Request, *Envelope, error) {
	var request socketmode.Request
	if len(frame) > maxFrame {
		return request, nil, errTooLarge
	}
	if err := json.Unmarshal(frame, &request); err != nil {
		return request, nil, fmt.Errorf("reading a frame: %w", err)
	}
	e := &Envelope{acceptsPayload: request.AcceptsResponsePayload}
	var err error
	switch request.Type {
	case socketmode.RequestTypeHello, socketmode.RequestTypeDisconnect:
		return request, nil, nil
	case socketmode.RequestTypeSlashCommands:
		e.Command = new(slack.SlashCommand)
		err = json.Unmarshal(request.Payload, e.Command)
	case socketmode.RequestTypeInteractive:
		e.Interaction = new(slack.InteractionCallback)
		err = json.Unmarshal(request.Payload, e.Interaction)
	case socketmode.RequestTypeEventsAPI:
		var event slackevents.EventsAPIEvent
		event, err = slackevents.ParseEvent(request.Payload, slackevents.OptionNoVerifyToken())
		e.Event = &event
	default:
		err = errUnknownType
	}
	if err == nil && request.EnvelopeID == "" {
		err = errNoID // it could not be acknowledged
	}
	if err != nil {
		return request, nil, fmt.Errorf("reading an envelope: %w", err)
	}
	return request, e, nil
}

// envelopeID finds the id in a frame that could not be parsed, however little of it can
// be read, so that Slack does not send it again for ever.
func envelopeID(frame []byte) string {
	tokens := json.NewDecoder(bytes.NewReader(frame))
	if open, _ := tokens.Token(); open != json.Delim('{') {
		return ""
	}
	for tokens.More() {
		name, _ := tokens.Token()
		if name == "envelope_id" {
			id, _ := tokens.Token()
			text, _ := id.(string)
			return text
		}
		if !skip(tokens) {
			return ""
		}
	}
	return ""
}

// skip passes over one value, however deep. It reports whether there was one.
func skip(tokens *json.Decoder) bool {
	for depth := 0; ; {
		token, err := tokens.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
	}
}
