/**
 * GitLab beside Slack: the projects and their pipelines, moving in real time.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { repeat } from './vendor/directives/repeat.js';
import { codeCard } from './codes.js';
import { icon } from './icons.js';
import { pipelineCard } from './pipeline.js';

/** @param {import('./page.js').Page} page */
export function gitlabPane(page) {
  const gitlab = page.store.gitlab();
  if (!gitlab) return nothing; // there is only Slack
  if (gitlab.real) return realGitLab(gitlab);
  const projects = page.store.projects();
  const chosen = projects.find((project) => project.id === page.project) ?? null;
  const shown = chosen ? [chosen] : projects;
  return html`
    ${gitlab.down_for ? html`<p class="banner banner-danger">${icon('warn')} GitLab is down.</p>` : nothing}
    ${codeCard(page)} ${projects.length > 1 ? switcher(page, projects, chosen) : nothing}
    ${repeat(shown, (project) => project.id, (project) => section(page, project))}
  `;
}

function realGitLab({ url }) {
  return html`<section class="card" aria-labelledby="real-title">
    <h2 id="real-title">A real GitLab</h2>
    <p>
      Pipelines run in the real GitLab at <a href=${url} target="_blank" rel="noopener noreferrer">${url}</a>. Only Slack is
      simulated.
    </p>
  </section>`;
}

function switcher(page, projects, chosen) {
  const choose = (event) => {
    page.project = Number(event.target.value);
    page.changed();
  };
  return html`<label class="project-switch">
    <span class="visually-hidden">Project</span>
    <select @change=${choose}>
      <option value="0" ?selected=${!chosen}>All projects</option>
      ${projects.map((project) => html`<option value=${project.id} ?selected=${project === chosen}>${project.path}</option>`)}
    </select>
    ${icon('down')}
  </label>`;
}

function section(page, project) {
  const pipelines = page.store.pipelines().filter((pipeline) => pipeline.project === project.id);
  const item = (pipeline) => html`<li>${pipelineCard(page, pipeline)}</li>`;
  const id = `project-${project.id}`;
  return html`<section class="project" aria-labelledby=${id}>
    <header class="project-head">
      <h2 id=${id}>${project.path}</h2>
      <p>
        <span title="Default branch">${icon('branch')} ${project.default_branch}</span>
        <span>${plural(project.branches, 'branch', 'branches')}, ${plural(project.tags, 'tag', 'tags')}</span>
      </p>
    </header>
    ${pipelines.length
      ? html`<ul class="pipelines">${repeat(pipelines, (pipeline) => pipeline.id, item)}</ul>`
      : html`<p class="empty">No pipelines yet.</p>`}
  </section>`;
}

const plural = (count, one, many) => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
