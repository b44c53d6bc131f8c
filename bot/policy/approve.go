package policy

import "slices"

// MayApprove says whether somebody may approve, or refuse, what the asker has asked
// for. The approvers are those of the decision that had it wait; q is what was asked
// then, and the channel of the answer. Facts are about who decides.
//
// Nobody approves their own request: neither the same person of Slack nor the same
// user of GitLab. So the asker's account has to be kept with the request.
func (p *Policy) MayApprove(q Question, approvers People, who Person, f Facts, asker Person) Decision {
	q.Action = ActionApprove
	d := Decision{Action: q.Action, Project: q.Project, Ref: q.Ref}
	t, refused := p.begin(d, q, who)
	switch {
	case refused != nil:
		return *refused
	case asker.ID == "" || p.Mode == ModeGitLab && !asker.linked():
		return d.doubting(doubt{Doubtful, "it is not known who asked for it"})
	case q.Own || who.same(asker):
		return d.because(Self)
	}
	return p.mayApprove(d, q, t, approvers, who, f)
}

// mightApprove says whether somebody may approve what others ask for here.
func (p *Policy) mightApprove(d Decision, q Question, t trait, who Person, f Facts) Decision {
	if q.Own {
		return d.because(Self)
	}
	for i := range p.rules {
		r := &p.rules[i]
		if r.then != thenApprove {
			continue
		}
		switch m, c := r.matchesWhere(q, t); m {
		case maybe:
			return d.by(r).doubting(c)
		case yes:
			return p.mayApprove(d.by(r), q, t, r.approvers, who, f)
		}
	}
	return d.because(NoRule)
}

func (p *Policy) mayApprove(d Decision, q Question, t trait, approvers People, who Person, f Facts) Decision {
	if v := p.verdict(q, t, who, f); v.refuses() {
		return v.refuse(d, NoRule)
	}
	d.Approvers = approvers.clone()
	if who.Kind != Member {
		// Those in a group or with a role change without anybody looking at this file.
		approvers.Groups, approvers.Roles = nil, nil
	}
	d.Needs = approvers.least()
	switch m, c := approvers.include(who, f); {
	case m == yes:
		return d.allow(Approver)
	case m == maybe:
		return d.doubting(c)
	case who.Kind != Member:
		return d.because(Outsider)
	default:
		if c := knows(who, f); c == nil {
			d.Has = f.Role
		}
		return d.because(NotApprover)
	}
}

func (p People) clone() People {
	return People{Users: slices.Clone(p.Users), Groups: slices.Clone(p.Groups), Roles: slices.Clone(p.Roles)}
}
