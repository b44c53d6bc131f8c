package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// TestReport counts the tests of a pipeline by how they ended. One without tests has none.
type TestReport struct {
	Total    int           `json:"total"`
	Success  int           `json:"success"`
	Failed   int           `json:"failed"`
	Skipped  int           `json:"skipped"`
	Error    int           `json:"error"`
	Duration time.Duration `json:"duration,omitempty"` // of all tests, one after the other
}

// TestReportSummary adds up the JUnit reports of a pipeline's jobs.
// https://docs.gitlab.com/api/pipelines/#get-a-test-report-summary-for-a-pipeline
func (c *Client) TestReportSummary(ctx context.Context, project, id int64) (TestReport, error) {
	const op = "reading the test report"
	var answer struct {
		Total *struct {
			Time    float64 `json:"time"`
			Count   int     `json:"count"`
			Success int     `json:"success"`
			Failed  int     `json:"failed"`
			Skipped int     `json:"skipped"`
			Error   int     `json:"error"`
		} `json:"total"`
	}
	resp, err := c.request(ctx, op, http.MethodGet, fmt.Sprintf("projects/%d/pipelines/%d/test_report_summary", project, id), nil, &answer)
	if err != nil {
		return TestReport{}, err
	}
	if answer.Total == nil {
		return TestReport{}, &Error{Op: op, Kind: Unclear, Status: resp.StatusCode, Message: "its answer holds no report"}
	}
	total := answer.Total
	return TestReport{
		Total: total.Count, Success: total.Success, Failed: total.Failed, Skipped: total.Skipped, Error: total.Error,
		Duration: lasting(total.Time),
	}, nil
}
