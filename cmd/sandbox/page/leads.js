/**
 * Links to the simulated GitLab. It has no pages of its own, so they lead to what the right column shows of it.
 * @module
 */
import { openCodes } from './codes.js';

/**
 * @param {MouseEvent} event a click anywhere
 * @param {import('./page.js').Page} page
 */
export function followToGitLab(event, page) {
  const link = event.target.closest?.('a[href]');
  const gitlab = page.store.gitlab();
  if (!link || !gitlab || gitlab.real || !link.href.startsWith(`${gitlab.url}/`)) return;
  event.preventDefault(); // the app is told of its button all the same
  page.side.open('gitlab');
  if (new URL(link.href).pathname === '/oauth/device') {
    openCodes(link.href, page);
    return;
  }
  const pipeline = find(page.store.pipelines(), link.href);
  if (!pipeline) return;
  page.project = 0;
  page.expanded.add(pipeline.id);
  page.focus(`pipeline-${pipeline.id}`);
}

function find(pipelines, address) {
  const job = Number(/\/-\/jobs\/(\d+)/.exec(address)?.[1]);
  return pipelines.find(
    ({ web_url: own, stages }) => own === address || stages.some(({ jobs }) => jobs.some(({ id }) => id === job)),
  );
}
