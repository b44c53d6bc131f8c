package policy

// verdict is what the rules say to a question.
type verdict struct {
	rule *rule // that decides; nil for none
	// names: the rule names the person by id or user group.
	names match
	// doubt is why it is not known whether the rule matches, nil when it does.
	doubt *doubt
	// passed is why a rule that would have allowed it was passed over.
	passed *doubt
}

// verdict finds the first rule that matches. One that allows is passed over where it
// may match: whatever comes then is no laxer. Any other that may match refuses. A
// rule that allows lets those guests and external people only whom it names.
func (p *Policy) verdict(q Question, t trait, who Person, f Facts) verdict {
	var passed *doubt
	for i := range p.rules {
		r := &p.rules[i]
		if !r.covers(t) {
			continue
		}
		found, d := r.matches(q, t, who, f)
		names, unsure := r.people.names(who)
		if r.then == thenAllow && who.Kind != Member && found != no {
			if found = min(found, names); names == maybe {
				d = unsure
			}
		}
		switch {
		case found == no:
		case found == maybe && r.then == thenAllow:
			if passed == nil {
				passed = &d
			}
		case found == maybe:
			return verdict{rule: r, names: names, doubt: &d, passed: passed}
		default:
			return verdict{rule: r, names: names, passed: passed}
		}
	}
	return verdict{passed: passed}
}

// lets reports whether a guest or an external person is let: by a rule that names
// them.
func (v verdict) lets() bool {
	return v.rule != nil && v.doubt == nil && v.names == yes && (v.rule.then == thenAllow || v.rule.then == thenApprove)
}

// refuses reports whether the rules refuse.
func (v verdict) refuses() bool {
	return v.rule != nil && (v.doubt != nil || v.rule.then != thenAllow && v.rule.then != thenApprove)
}

// refuse is the refusal: what could be cured is told first, otherwise is what it is
// where no rule says why.
func (v verdict) refuse(d Decision, otherwise Why) Decision {
	switch {
	case v.passed != nil:
		return d.doubting(*v.passed)
	case v.doubt != nil:
		return d.by(v.rule).doubting(*v.doubt)
	case v.refuses():
		return d.by(v.rule).because(ByRule)
	default:
		return d.because(otherwise)
	}
}
