package gitlabtest

import (
	"slices"
	"strings"
	"time"
)

// A Role is an access level of a member, https://docs.gitlab.com/api/members/#roles.
type Role int

// The roles, with the numbers that GitLab's API uses.
const (
	NoAccess   Role = 0
	Guest      Role = 10
	Reporter   Role = 20
	Developer  Role = 30
	Maintainer Role = 40
	Owner      Role = 50
)

// A Project is a repository with its CI/CD settings, https://docs.gitlab.com/api/projects/.
type Project struct {
	ID     int
	Path   string // with the namespace: "group/app"
	Name   string
	WebURL string

	s         *Server
	createdAt time.Time
	settings  Settings
	ci        CI
	nextCI    *CI // for one pipeline only
	members   memberList
	invited   []invitation
	branches  refSet
	tags      refSet
	protected []protectedRef
	triggers  []*TriggerToken
	pipelines []*Pipeline
	lastIID   int
	forms     map[string]time.Time // when the ciConfigVariables of a ref are computed
}

// Settings are the project settings that decide what clients may see and do.
type Settings struct {
	Visibility    string // private, internal or public
	DefaultBranch string

	// MinimumRoleForVariables is ci_pipeline_variables_minimum_override_role: no_one_allowed, developer,
	// maintainer or owner. https://docs.gitlab.com/ci/variables/#restrict-pipeline-variables
	MinimumRoleForVariables string

	// PipelinesPerMinute limits pipeline creation per user, project and commit; 0 is no limit.
	// https://docs.gitlab.com/administration/settings/rate_limit_on_pipelines_creation/
	PipelinesPerMinute int

	// Archived makes every write fail with 403.
	Archived bool

	// FormDelay is how long ciConfigVariables(ref) is null after it was first asked for, as GitLab computes
	// it in the background. 0 is one null answer, then the variables.
	FormDelay time.Duration
}

// AddProject creates a private project with the default branch main, which has one commit. Nobody is a member,
// anyone who may start a pipeline may set variables, no branch is protected, and CI has one job named "build".
func (s *Server) AddProject(path string) *Project {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &Project{
		ID:        s.nextID("project"),
		Path:      path,
		Name:      path[strings.LastIndex(path, "/")+1:],
		WebURL:    s.URL + "/" + path,
		s:         s,
		createdAt: s.now(),
		settings:  Settings{Visibility: "private", DefaultBranch: "main", MinimumRoleForVariables: "developer"},
		ci:        CI{Stages: []string{"build"}, Jobs: []JobSpec{{Name: "build", Stage: "build", Duration: 30 * time.Second}}},
		forms:     map[string]time.Time{},
	}
	p.branches.add("main", s.now())
	s.projects = append(s.projects, p)
	s.changed()
	return p
}

// Projects returns all projects in the order in which they were added.
func (s *Server) Projects() []*Project {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.projects)
}

// AddMember gives the user a role in the project, or another one than before. NoAccess removes the membership.
func (p *Project) AddMember(u *User, role Role) { p.AddMemberUntil(u, role, time.Time{}) }

// Settings returns the project's settings as they are now.
func (p *Project) Settings() Settings {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.settings
}

// Configure changes the project's settings: p.Configure(func(s *Settings) { s.Visibility = "public" }).
// The function must not call methods of the server.
func (p *Project) Configure(change func(*Settings)) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	change(&p.settings)
	p.s.changed()
}

// Pipelines returns the project's pipelines that are not deleted, oldest first.
func (p *Project) Pipelines() []*Pipeline {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.pipelines)
}

// Pipelines returns the pipelines of a project, oldest first: the same as p.Pipelines().
func (s *Server) Pipelines(p *Project) []*Pipeline { return p.Pipelines() }

// Pipeline returns the pipeline of that id, nil when there is none or it was deleted.
func (s *Server) Pipeline(id int) *Pipeline {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pipelines[id]
}

// visible tells whether the user may know that the project exists.
func (p *Project) visible(u *User) bool {
	switch p.settings.Visibility {
	case "public":
		return true
	case "internal":
		return u != nil
	default:
		return p.role(u) >= Guest
	}
}

// canReadCode: https://docs.gitlab.com/user/permissions/#repository. Guests of private projects may not.
func (p *Project) canReadCode(u *User) bool {
	if p.settings.Visibility != "private" {
		return p.visible(u)
	}
	return p.role(u) >= Reporter
}

// canSetVariables follows ci_pipeline_variables_minimum_override_role.
func (p *Project) canSetVariables(u *User) bool {
	switch p.settings.MinimumRoleForVariables {
	case "no_one_allowed":
		return false
	case "owner":
		return p.role(u) >= Owner
	case "maintainer":
		return p.role(u) >= Maintainer
	default:
		return p.role(u) >= Developer
	}
}

func (s *Server) findProject(idOrPath string) *Project {
	for _, p := range s.projects {
		if itoa(p.ID) == idOrPath || strings.EqualFold(p.Path, idOrPath) {
			return p
		}
	}
	return nil
}
