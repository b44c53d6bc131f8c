package bot

import (
	"pipebot/gitlab"
)

// What is said of trigger tokens, and of what went wrong with them.

// tokenFault says why something about trigger tokens failed, and what to do next.
func tokenFault(err error) phrase {
	switch gitlab.KindOf(err) {
	case gitlab.Forbidden:
		return say(words("My access token may not manage trigger tokens: its owner needs the role Maintainer in the project, and the token the scope "), code("api"), words("."))
	case gitlab.NotFound:
		return say(words("GitLab does not find the project. Whoever runs me should check its path in "), code("GITLAB_PROJECTS"), words(" and that my access token may see it."))
	case gitlab.Unclear:
		return say(words("GitLab gave no usable answer. Please try again in a moment."))
	case gitlab.NotSent, gitlab.RateLimited, gitlab.Unauthorized, gitlab.Invalid:
	}
	return actionFault(err)
}

// tokenGone says that a token is not there.
func tokenGone() phrase { return say(words("It is no longer there: somebody has revoked it already.")) }

// tokenUnread says why a token of the list could not be read.
func tokenUnread(err error) phrase {
	if gitlab.IsNotFound(err) {
		return tokenGone()
	}
	return append(say(words("I cannot read the token. ")), tokenFault(err)...)
}

// notMade says why a token was not made, or that nobody knows.
func notMade(description string, err error) phrase {
	if gitlab.KindOf(err) == gitlab.Unclear {
		return say(emoji("grey_question"), words(" GitLab gave no clear answer, so the token "), bold(shortenEnd(description, calledSize)),
			words(" may be made or not. I do not try that again. Close this and look in the list: if it is there, nobody has its value, so revoke it and make another one. If it is not, make it anew."))
	}
	return append(say(emoji("no_entry"), words(" I could not make the token "), bold(shortenEnd(description, calledSize)), words(". ")), tokenFault(err)...)
}

// tokenUnseen says that a token is made whose value nobody has seen.
func tokenUnseen(description, path string) message {
	return warning(words("The trigger token "), bold(shortenEnd(description, calledSize)), words(" for "), bold(shortenMiddle(path, projectSize)),
		words(" is made, but I could not show you its value: its window was closed, or Slack did not take it. Type "), code("/pipeline tokens"),
		words(", revoke it and make another one."))
}

func tokenRenamed(at tokensAt, description string) phrase {
	return say(emoji("white_check_mark"), words(" "), bold(shortenEnd(at.Called, calledSize)), words(" is called "),
		bold(shortenEnd(description, calledSize)), words(" now."))
}

func tokenRevoked(at tokensAt) phrase {
	return say(emoji("white_check_mark"), words(" "), bold(shortenEnd(at.Called, calledSize)),
		words(" is revoked: nothing can be started with it any more."))
}

func notRenamed(at tokensAt, err error) phrase {
	if gitlab.KindOf(err) == gitlab.Forbidden {
		return append(tokenNot(at, "rename"), words("GitLab lets only its owner do that. If that is the user of my access token, they need the role Maintainer in the project."))
	}
	return notChanged(at, "rename", err)
}

func notRevoked(at tokensAt, err error) phrase { return notChanged(at, "revoke", err) }

func notChanged(at tokensAt, verb string, err error) phrase {
	switch gitlab.KindOf(err) {
	case gitlab.NotFound:
		return append(tokenNot(at, verb), tokenGone()...)
	case gitlab.Unclear:
		return say(emoji("grey_question"), words(" GitLab gave no clear answer when I was to "+verb+" "), bold(shortenEnd(at.Called, calledSize)),
			words(". If the list below has it as it was, try again."))
	case gitlab.NotSent, gitlab.RateLimited, gitlab.Unauthorized, gitlab.Forbidden, gitlab.Invalid:
	}
	return append(tokenNot(at, verb), tokenFault(err)...)
}

func tokenNot(at tokensAt, verb string) phrase {
	return say(emoji("warning"), words(" I could not "+verb+" "), bold(shortenEnd(at.Called, calledSize)), words(". "))
}
