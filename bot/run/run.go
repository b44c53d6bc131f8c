package run

import (
	"maps"
	"slices"
	"time"

	"pipebot/gitlab"
)

// State is where a run stands between request and end.
type State string

// The states of a run.
const (
	// Held: written down, but somebody has to do something before it may start.
	Held State = "held"
	// Requested: written down, not yet sent to GitLab.
	Requested State = "requested"
	// Starting: handed to GitLab, whose answer is not known, or not yet.
	Starting State = "starting"
	// Started: the pipeline exists and is followed.
	Started State = "started"
	// Ended: the pipeline has ended, or was deleted.
	Ended State = "ended"
	// Refused: GitLab said no, or the request grew too old. Nothing runs.
	Refused State = "refused"
	// Unknown: GitLab's answer was lost and what it did cannot be found out.
	Unknown State = "unknown"
)

// Request is what a person asked for.
type Request struct {
	// ID names the request for good: the same ID is the same request.
	ID string `json:"id"`
	// Project is the path or id by which the settings name the project.
	Project   string            `json:"project"`
	Ref       gitlab.Ref        `json:"ref"`
	BuildType string            `json:"build_type"`
	Variables map[string]string `json:"variables,omitempty"`
	// Files are variables of the type file: jobs find the value in a file.
	Files map[string]string `json:"files,omitempty"`
	// Asker is who asked; Team is the workspace that the id belongs to.
	Asker string `json:"asker"`
	Team  string `json:"team,omitempty"`
	// Account is who the asker was in GitLab when it was decided that they may.
	Account gitlab.User `json:"account,omitzero"`
	// Channel is where the run is shown.
	Channel string `json:"channel"`
	// ReplyURL takes private answers to the asker for a short while. A secret.
	ReplyURL string    `json:"reply_url,omitempty"`
	At       time.Time `json:"at"`
	// Trigger: it is to be started by a trigger token. That is another pipeline than
	// one started without, so a change of settings must not make it the other. One
	// with Files never is: triggers take none.
	Trigger bool `json:"trigger,omitempty"`
	// Follow: the pipeline is there already and is only shown.
	Follow bool `json:"follow,omitempty"`
	// Origin is who asked for the pipeline that is followed, empty where nobody did here.
	Origin string `json:"origin,omitempty"`
	// Quiet: the asker wants no reply at its end.
	Quiet bool `json:"quiet,omitempty"`
}

// Same reports whether two requests ask for the same pipeline. One that only follows
// asks for none, and is never the same as one that does.
func (r Request) Same(other Request) bool {
	return r.Project == other.Project && r.Ref == other.Ref && r.BuildType == other.BuildType &&
		r.Follow == other.Follow && maps.Equal(r.Variables, other.Variables) && maps.Equal(r.Files, other.Files)
}

// triggers reports whether the request is to be started by the project's trigger token.
func (r Request) triggers(token string) bool { return token != "" && len(r.Files) == 0 }

// Refusal is why nothing was started.
type Refusal struct {
	Kind gitlab.Kind `json:"kind"`
	// Message is GitLab's own text, often empty.
	Message string `json:"message,omitempty"`
	// Source is the CI_PIPELINE_SOURCE that was asked for.
	Source string `json:"source,omitempty"`
	// Expired: GitLab could not be asked in time.
	Expired bool `json:"expired,omitempty"`
	// Moved: the settings have changed so that it would be another pipeline.
	Moved bool `json:"moved,omitempty"`
	// Denied: not GitLab said no but the rules here, or the person By. Message is
	// what they say.
	Denied bool   `json:"denied,omitempty"`
	By     string `json:"by,omitempty"`
	// Held is what it was held for when it expired.
	Held HoldFor `json:"held,omitempty"`
}

// Run is a request and what came of it.
type Run struct {
	// Format is the version of the record's form.
	Format  int     `json:"format"`
	Request Request `json:"request"`
	State   State   `json:"state"`

	// Hold is what a held run waits for; Approval is who let it go, and ReleasedAt
	// when the wait ended.
	Hold       *Hold     `json:"hold,omitempty"`
	Approval   *Approval `json:"approval,omitempty"`
	ReleasedAt time.Time `json:"released_at,omitzero"`
	// Strayed: what GitLab started is not the commit that was approved, so it is to
	// be canceled.
	Strayed bool `json:"strayed,omitempty"`

	// Project is what GitLab calls the request's project, once it was asked.
	Project gitlab.Project `json:"project,omitzero"`
	// PostedAt is when GitLab was first asked to start it, zero before.
	PostedAt time.Time `json:"posted_at,omitzero"`
	// Deadline ends the newest POST: whoever made it waits no longer than this.
	Deadline time.Time `json:"deadline,omitzero"`
	// Unclear: the newest POST's answer was lost.
	Unclear bool `json:"unclear,omitempty"`
	// Candidates are the pipelines that an unknown run may have become, the likeliest
	// first; MoreCandidates counts those that are left out.
	Candidates     []gitlab.Pipeline `json:"candidates,omitempty"`
	MoreCandidates int               `json:"more_candidates,omitempty"`
	// Verdict is what somebody said of the newest unclear start that was decided so.
	Verdict *Verdict `json:"verdict,omitempty"`
	// NotBefore is when the next try is due; Tries counts those that failed in a
	// row, and Waiting says why the first of them did.
	NotBefore time.Time `json:"not_before,omitzero"`
	Tried     time.Time `json:"tried,omitzero"` // the last of them
	Tries     int       `json:"tries,omitempty"`
	Waiting   *Refusal  `json:"waiting,omitempty"`
	Refusal   *Refusal  `json:"refusal,omitempty"`

	Pipeline gitlab.Pipeline `json:"pipeline,omitzero"`
	Progress gitlab.Progress `json:"progress,omitzero"`
	// Deleted: the pipeline was deleted in GitLab.
	Deleted bool `json:"deleted,omitempty"`
	// Lives counts how often the pipeline was brought back, by a retry or a job that
	// somebody started.
	Lives int `json:"lives,omitempty"`
	// EndedBefore: it had ended already when the first one who is told began to follow it.
	EndedBefore bool `json:"ended_before,omitempty"`
	// Acts are the last things that people did to the pipeline here, oldest first.
	Acts []Act `json:"acts,omitempty"`
	// Doing are the acts that GitLab is being asked for, or was by a process that died.
	Doing []Intent `json:"doing,omitempty"`
	// Silence says that GitLab does not tell how the pipeline goes on.
	Silence *Silence `json:"silence,omitempty"`
	// Followers are told of the end beside the asker.
	Followers []Person `json:"followers,omitempty"`

	// Version counts the changes that people should see.
	Version int   `json:"version"`
	Shown   Shown `json:"shown,omitzero"`
}

// Shown is what people have been shown of a run. The [Display] reads and writes
// it; the engine only keeps it, compares Version, and has all drawn anew where two
// have shown the run.
type Shown struct {
	// Version of the run that people have been shown completely.
	Version int `json:"version,omitempty"`
	// Channel and Card say where the card is: the channel and the message in it.
	Channel string `json:"channel,omitempty"`
	Card    string `json:"card,omitempty"`
	// Hash of the card's content as it was last sent, and when.
	Hash string    `json:"hash,omitempty"`
	At   time.Time `json:"at,omitzero"`
	// EditRefused is when Slack last refused an edit of the card, Refused the hash of what it
	// refused, Refusals how often in a row.
	EditRefused time.Time `json:"edit_refused,omitzero"`
	Refused     string    `json:"refused,omitempty"`
	Refusals    int       `json:"refusals,omitempty"`
	// Unsure is set while an edit of the card or of a reply is under way, and since when.
	// It stays where Slack gave no answer, and where who waited for it died: Slack may do
	// the edit later.
	Unsure time.Time `json:"unsure,omitzero"`
	// Posting is set while a message is being posted whose outcome is not known:
	// its name, and since when. PostingLost: Slack gave no answer.
	Posting     string    `json:"posting,omitempty"`
	PostingAt   time.Time `json:"posting_at,omitzero"`
	PostingLost bool      `json:"posting_lost,omitempty"`
	// Told names the notices and replies that were given.
	Told []string `json:"told,omitempty"`
	// Standing are the replies whose buttons can still be used.
	Standing []Standing `json:"standing,omitempty"`
}

// Uncertain is what was shown where it is not known what the messages read: all that may
// change are to be drawn anew.
func (s Shown) Uncertain() Shown {
	s.Hash = ""
	s.Standing = slices.Clone(s.Standing)
	for i := range s.Standing {
		s.Standing[i].Hash = ""
	}
	return s
}

// Standing is a reply in a run's thread that changes with the run.
type Standing struct {
	Name string `json:"name"`
	// TS is the message; Hash is of its content as it was last sent.
	TS   string `json:"ts"`
	Hash string `json:"hash,omitempty"`
}

// formatVersion is the form of the records that this version writes and reads. New fields
// that older versions may ignore leave it as it is. Where it has to change, one version
// comes first that reads both and writes the old one, and is rolled out everywhere; the
// next one writes the new one. A process that finds another format when it starts refuses
// to; one that meets it while it runs, from a replica that is ahead, leaves it alone.
const formatVersion = 1

// newRun is the record of a request that was just made, and of what holds it.
func newRun(request Request, hold *Hold) Run {
	request.Trigger = request.Trigger && len(request.Files) == 0
	r := Run{Format: formatVersion, Request: request, State: Requested, Version: 1}
	if hold != nil {
		r.State, r.Hold = Held, hold
	}
	return r
}

// final reports whether nothing more happens to the run by itself.
func (r Run) final() bool {
	return r.State == Ended || r.State == Refused || r.State == Unknown
}

// current reports whether people have been shown all there is.
func (r Run) current() bool { return r.Version == r.Shown.Version }

// atRest reports whether there is nothing left to do.
func (r Run) atRest() bool { return r.final() && r.current() && len(r.Doing) == 0 }

// Quiet reports whether nobody wants to be told how the run goes on.
func (r Run) Quiet() bool { return r.Request.Quiet && len(r.Followers) == 0 }

// TellsEnd reports whether the run has ended and that is news: nobody is told of an end
// that was there before they followed, or that was asked to be quiet.
func (r Run) TellsEnd() bool {
	return r.State == Ended && !r.Quiet() && (!r.EndedBefore || r.Lives > 0)
}

// visible is the run without what people do not see of it.
func (r Run) visible() Run {
	r.Shown, r.Version = Shown{}, 0
	r.PostedAt, r.Deadline, r.NotBefore, r.Tries = time.Time{}, time.Time{}, time.Time{}, 0
	r.Pipeline.UpdatedAt = time.Time{}
	if r.State == Starting && !r.Unclear {
		// People see a request until GitLab has answered.
		r.State = Requested
	}
	if r.State == Requested {
		r.Project = gitlab.Project{}
	}
	r.ReleasedAt = time.Time{}
	r.Doing, r.Tried = nil, time.Time{}
	r.Followers = nil // the reply at the end mentions who there is then
	return r
}
