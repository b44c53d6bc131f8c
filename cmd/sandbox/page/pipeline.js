/**
 * One pipeline as a compact card: its status, what it runs on, its stages, and on demand its jobs.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { repeat } from './vendor/directives/repeat.js';
import { age, fullTime, took } from './time.js';
import { hasEnded, lookOf, wordOf } from './status.js';
import { icon, statusIcon } from './icons.js';

const LONG = 24; // characters of a variable's value
const FEW = 2; // variables that are shown where the jobs are not

/** Statuses of a pipeline that can be run again. */
const again = new Set(['failed', 'canceled']);

/**
 * @param {import('./page.js').Page} page
 * @param {object} pipeline
 */
export function pipelineCard(page, pipeline) {
  const open = page.expanded.has(pipeline.id);
  const look = lookOf(pipeline.status, pipeline.detailed_status);
  const word = wordOf(pipeline.status, pipeline.detailed_status);
  const name = `pipeline #${pipeline.id}`;
  return html`<article class="pipeline" id="pipeline-${pipeline.id}" tabindex="-1"
    aria-label="Pipeline #${pipeline.id}, ${word}, ${pipeline.ref}">
    <div class="pipeline-line">
      <span class="status look-${look}">${statusIcon(look)} ${word}</span>
      ${number(pipeline)} ${duration(pipeline)} ${when(pipeline.created_at)}
    </div>
    <div class="pipeline-line pipeline-ref">
      <span class="ref" title=${pipeline.ref}>${icon(pipeline.tag ? 'tag' : 'branch')}<span>${pipeline.ref}</span></span>
      <span class="pipeline-who" title="${pipeline.source} by ${pipeline.user}">${pipeline.source} by ${pipeline.user}</span>
    </div>
    ${variables(pipeline, open)}
    <div class="pipeline-line pipeline-foot">
      <button class="stages" aria-expanded=${open} aria-controls="jobs-${pipeline.id}" @click=${() => page.expand(pipeline.id)}>
        <span class="visually-hidden">Jobs of ${name}:</span>
        ${icon('down')}
        ${pipeline.stages.length ? pipeline.stages.map(stagePill) : html`<span class="stage-pill">no jobs</span>`}
      </button>
      <span class="pipeline-actions">
        ${hasEnded(pipeline.status) ? nothing : action(page, pipeline, 'cancel', 'cancel', `Cancel ${name}`)}
        ${again.has(pipeline.status) ? action(page, pipeline, 'retry', 'retry', `Retry ${name}`) : nothing}
      </span>
    </div>
    <div id="jobs-${pipeline.id}" ?hidden=${!open}>${open ? details(page, pipeline, name) : nothing}</div>
  </article>`;
}

/** By its id, as the bot and GitLab's own pages name it. */
function number({ id, iid }) {
  return html`<span class="number" title="The project's pipeline number ${iid}">#${id}</span>`;
}

function duration({ duration: seconds }) {
  return seconds === null ? nothing : html`<span class="duration" title="Duration">${took(seconds)}</span>`;
}

function when(iso) {
  if (!iso) return nothing;
  return html`<time class="age" datetime=${iso} title=${fullTime(new Date(iso))} data-clock="age" .textContent=${age(iso)}></time>`;
}

/** What GitLab and the app add by themselves stands behind what somebody chose. */
const added = ({ key }) => key.startsWith('PIPEBOT_') || key === 'TRIGGER_PAYLOAD';

function variables({ variables: every }, open) {
  if (!every.length) return nothing;
  const all = [...every.filter((one) => !added(one)), ...every.filter(added)];
  const shown = open ? all : all.slice(0, FEW);
  const others = all.slice(shown.length).map(({ key }) => key);
  return html`<p class="chips">
    ${shown.map(chip)} ${others.length ? html`<span class="chip" title=${others.join(', ')}>+${others.length}</span>` : nothing}
  </p>`;
}

function chip({ key, value }) {
  const short = value.length > LONG ? `${value.slice(0, LONG - 1)}…` : value;
  return html`<span class="chip" title="${key}=${value}"><span class="chip-key">${key}</span>=${short}</span>`;
}

function stagePill(stage) {
  const look = lookOf(stage.status);
  const done = stage.jobs.filter((job) => hasEnded(job.status)).length;
  const counted = stage.jobs.length > 1 && done > 0 && done < stage.jobs.length;
  return html`<span class="stage-pill look-${look}" title="${stage.name}: ${wordOf(stage.status)}">
    ${statusIcon(look)}<span class="stage-name">${stage.name}</span>
    ${counted ? html`<span class="stage-done">${done}/${stage.jobs.length}</span>` : nothing}
    <span class="visually-hidden">${wordOf(stage.status)}</span>
  </span>`;
}

function details(page, pipeline, name) {
  const remove = () => page.act('pipeline', { id: pipeline.id, do: 'delete' });
  return html`
    ${pipeline.stages.map(
      (stage) => html`<section class="stage" aria-label="Stage ${stage.name}">
        <h3>${stage.name}</h3>
        <ul class="jobs">
          ${repeat(stage.jobs, (job) => job.id, (job) => jobRow(page, pipeline, job))}
        </ul>
      </section>`,
    )}
    <p class="pipeline-end">
      <code title=${pipeline.sha}>${pipeline.sha.slice(0, 8)}</code>
      <button class="quiet-button" aria-label="Delete ${name}" @click=${remove}>${icon('trash')} Delete</button>
    </p>
  `;
}

function jobRow(page, pipeline, { id, name, status, allow_failure: mayFail }) {
  const look = lookOf(status);
  const running = status === 'running';
  const ended = hasEnded(status);
  const button = (what, sign, title) => action(page, pipeline, what, sign, title, id);
  return html`<li class="job">
    <span class="status look-${look}">${statusIcon(look)}</span>
    <span class="job-name" title=${name}>${name}</span>
    <span class="job-word">${wordOf(status)}${mayFail && status === 'failed' ? ' (allowed)' : ''}</span>
    <span class="job-actions">
      ${status === 'manual' ? button('play', 'play', `Play ${name}`) : nothing}
      ${running ? button('succeed', 'check', `Let ${name} pass now`) : nothing}
      ${running ? button('fail', 'close', `Let ${name} fail now`) : nothing}
      ${ended && status !== 'skipped' ? button('retry', 'retry', `Retry ${name}`) : nothing}
      ${ended || status === 'manual' ? nothing : button('cancel', 'cancel', `Cancel ${name}`)}
    </span>
  </li>`;
}

/** A small button for what a person does in GitLab itself. */
function action(page, pipeline, what, sign, title, job) {
  return html`<button class="icon-button small" aria-label=${title} title=${title}
    @click=${() => page.act('pipeline', { id: pipeline.id, do: what, job })}>${icon(sign)}</button>`;
}
