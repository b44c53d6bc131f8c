package gitlabtest

import "slices"

// statuses lists those of pipelines and jobs, https://docs.gitlab.com/api/pipelines/#list-project-pipelines, and the
// newer ones that the page leaves out.
func statuses() []string {
	return []string{
		"created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success",
		"failed", "canceling", "canceled", "skipped", "manual", "scheduled",
	}
}

// completed statuses are the ones that end a pipeline or job.
func completed(status string) bool {
	return slices.Contains([]string{"success", "failed", "canceled", "skipped"}, status)
}

// cancelable statuses are the ones that a cancel request touches; a manual job is left as it is.
func cancelable(status string) bool {
	return slices.Contains([]string{"created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "scheduled"}, status)
}

// A jobState is what the status of a group of jobs depends on.
type jobState struct {
	status       string
	allowFailure bool
}

// composite computes the status of a stage or pipeline from its jobs, in the order of GitLab's own rules. A
// failed or canceled job that may fail counts as a success with warnings, a manual job that may be left alone
// is ignored. No jobs make "".
func composite(jobs []jobState) string {
	set := map[string]bool{}
	for _, j := range jobs {
		switch {
		case j.allowFailure && (j.status == "failed" || j.status == "canceled"):
			set["success_with_warnings"] = true
		case j.allowFailure && j.status == "manual":
			set["ignored"] = true
		default:
			set[j.status] = true
		}
	}
	only := func(names ...string) bool {
		for status := range set {
			if !slices.Contains(names, status) {
				return false
			}
		}
		return true
	}
	switch {
	case len(set) == 0:
		return ""
	case only("skipped", "ignored"):
		return "skipped"
	case only("success", "skipped", "success_with_warnings", "ignored"):
		return "success"
	case only("created", "success_with_warnings", "ignored"):
		return "created"
	case only("preparing", "success_with_warnings", "ignored"):
		return "preparing"
	case only("canceled", "success", "skipped", "success_with_warnings", "ignored"):
		return "canceled"
	case only("pending", "created", "skipped", "success_with_warnings", "ignored"):
		return "pending"
	}
	for _, rule := range []struct{ any, status string }{
		{"canceling", "canceling"},
		{"running", "running"},
		{"pending", "running"},
		{"waiting_for_resource", "waiting_for_resource"},
		{"waiting_for_callback", "waiting_for_callback"},
		{"manual", "manual"},
		{"scheduled", "scheduled"},
		{"preparing", "preparing"},
		{"created", "running"},
	} {
		if set[rule.any] {
			return rule.status
		}
	}
	return "failed"
}

// A detailedStatus is a status as GitLab's pages show it.
type detailedStatus struct {
	Icon, Text, Label, Group, Tooltip string
}

// pipelineDetail describes a pipeline's status. Warnings and a blocking manual job have words of their own.
func pipelineDetail(status string, warnings bool) detailedStatus {
	switch {
	case status == "success" && warnings:
		return detailedStatus{"status_warning", "Warning", "passed with warnings", "success-with-warnings", "passed"}
	case status == "manual":
		return detailedStatus{"status_manual", "Blocked", "waiting for manual action", "manual", "blocked"}
	case status == "scheduled":
		return detailedStatus{"status_scheduled", "Scheduled", "waiting for delayed job", "scheduled", "scheduled"}
	default:
		return plainDetail(status)
	}
}

func plainDetail(status string) detailedStatus {
	switch status {
	case "success":
		return detailedStatus{"status_success", "Passed", "passed", "success", "passed"}
	case "manual":
		return detailedStatus{"status_manual", "Manual", "manual action", "manual", "manual"}
	case "waiting_for_resource":
		return detailedStatus{"status_pending", "Waiting", "waiting for resource", "waiting-for-resource", "waiting"}
	case "waiting_for_callback":
		return detailedStatus{"status_pending", "Waiting", "waiting for callback", "waiting-for-callback", "waiting"}
	case "canceling":
		return detailedStatus{"status_canceled", "Canceling", "canceling", "canceling", "canceling"}
	case "":
		return detailedStatus{}
	default:
		return detailedStatus{"status_" + status, string(status[0]-'a'+'A') + status[1:], status, status, status}
	}
}

// jobDetail describes a job's status.
func jobDetail(j *Job) detailedStatus {
	switch {
	case j.status == "failed" && j.spec.AllowFailure:
		reason := "failed - (" + failureText(j.failureReason) + ") (allowed to fail)"
		return detailedStatus{"status_warning", "Failed", "failed (allowed to fail)", "failed-with-warnings", reason}
	case j.status == "failed":
		return detailedStatus{"status_failed", "Failed", "failed", "failed", "failed - (" + failureText(j.failureReason) + ")"}
	case j.status == "manual":
		return detailedStatus{"status_manual", "Manual", "manual play action", "manual", "manual action"}
	default:
		return plainDetail(j.status)
	}
}

// failureText turns script_failure into "script failure", as GitLab's tool tips do.
func failureText(reason string) string {
	text := []byte(reason)
	for i, c := range text {
		if c == '_' {
			text[i] = ' '
		}
	}
	return string(text)
}
