package gitlabtest

import "time"

// A TestReport is what the JUnit files of a pipeline add up to, https://docs.gitlab.com/ci/testing/unit_test_reports/.
type TestReport struct {
	Success, Failed, Skipped, Error int
	Time                            time.Duration
}

// SetTestReport gives the pipeline a test report, as a job that leaves a JUnit file would.
func (pl *Pipeline) SetTestReport(report TestReport) {
	pl.lock()
	defer pl.unlock()
	pl.report = report
	pl.Project.s.changed()
}

// testReportSummary: https://docs.gitlab.com/api/pipelines/#get-a-test-report-summary-for-a-pipeline. All tests are in
// one suite; there is none in a pipeline without a report.
func (c *call) testReportSummary() *reply {
	pl, bad := c.pipeline()
	if bad != nil {
		return bad
	}
	r, suites := pl.report, []any{}
	count, seconds := r.Success+r.Failed+r.Skipped+r.Error, r.Time.Seconds()
	if count > 0 {
		suites = append(suites, object{
			"name": "test", "total_time": seconds, "total_count": count, "success_count": r.Success, "failed_count": r.Failed,
			"skipped_count": r.Skipped, "error_count": r.Error, "build_ids": []int{}, "suite_error": nil,
		})
	}
	total := object{
		"time": seconds, "count": count, "success": r.Success, "failed": r.Failed, "skipped": r.Skipped, "error": r.Error,
		"suite_error": nil,
	}
	return ok(object{"total": total, "test_suites": suites})
}
