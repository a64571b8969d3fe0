//! The configuration verbs. The primary answers those that change something; a standby passes them on,
//! so that an operator may ask either node.
import type { BodyOf } from '../control/api.ts'
import type { AskPeer, ControlHandlers } from '../control/session.ts'
import { attempt, revisionOf } from '../database/store.ts'
import { diffSite, type SiteChange } from '../oam/site/diff.ts'
import { checkSiteAside, parseSiteAside } from '../oam/site-check.ts'
import { exportSite, getSite, setSite } from '../oam/site-config.ts'
import type { Site } from '../oam/site-config-schema.ts'
import { type Result, success } from '../result.ts'
import { makeAtPrimary } from './at-primary.ts'
import type { Configuration } from './configuration.ts'

type ConfigHandlers = Pick<
  ControlHandlers,
  | 'sync-db'
  | 'config.get'
  | 'config.set'
  | 'config.validate'
  | 'config.apply'
  | 'config.export'
  | 'config.diff'
>

export function makeConfigVerbs(configuration: Configuration, askPeer: AskPeer): ConfigHandlers {
  const { realm } = configuration
  const inOrder = makeOrder()
  const atPrimary = makeAtPrimary(configuration, askPeer)
  return {
    'sync-db': (params) =>
      atPrimary('sync-db', params, () => configuration.syncDatabases(params.dryRun)),
    'config.get': async ({ path }) => {
      const site = await configuration.site()
      const value = site.ok ? getSite(site.value, path) : site
      return value.ok
        ? success({ path, value: value.value as BodyOf<'config.get'>['value'] })
        : value
    },
    'config.set': (params) =>
      atPrimary('config.set', params, async () => {
        const { path, value, dryRun } = params
        const wanted = (site: Site) => setSite(site, { path, value }, realm)
        return inOrder(() => change(configuration, wanted, dryRun))
      }),
    'config.validate': async ({ text }) => {
      const checked = await checkSiteAside(text, realm)
      if (!checked.ok) return checked
      const { problems } = checked.value
      return success({ valid: problems.length === 0, problems: [...problems] })
    },
    'config.apply': (params) =>
      atPrimary('config.apply', params, () =>
        inOrder(() =>
          change(configuration, () => parseSiteAside(params.text, realm), params.dryRun),
        ),
      ),
    'config.export': async () => {
      const text = await exportSite(configuration.database)
      return text.ok ? success({ revision: configuration.state.revision, text: text.value }) : text
    },
    'config.diff': async ({ text }) => {
      const current = await configuration.site()
      if (!current.ok) return current
      const wanted = await parseSiteAside(text, realm)
      if (!wanted.ok) return wanted
      const changes = told(await diffSite(current.value, wanted.value))
      return success({ revision: configuration.state.revision, ...changes })
    },
  }
}

/** One change after the other: each reads the site, and writes all of it. */
function makeOrder(): <T>(change: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (change) => {
    const result = last.then(change)
    last = result.catch(() => undefined)
    return result
  }
}

/** Characters: an answer that the peer passes on fits into a frame (`limits.peerAnswerBytesMax`), and to
 * check and write it takes no call its time. */
const changesLengthMax = 40_000

type ChangeBody = BodyOf<'config.apply'>

/** One change of the site: what it would do, then all of it or nothing. */
async function change(
  configuration: Configuration,
  wantedOf: (site: Site) => Result<Site> | Promise<Result<Site>>,
  dryRun: boolean,
): Promise<Result<ChangeBody>> {
  // Before the site: rows that come from the peer in between are not in it, and must not be removed.
  const read = await attempt(() => revisionOf(configuration.database))
  if (!read.ok) return read
  const revision = read.value
  const current = await configuration.site()
  if (!current.ok) return current
  const wanted = await wantedOf(current.value)
  if (!wanted.ok) return wanted
  const changes = await diffSite(current.value, wanted.value)
  const body = { dryRun, ...told(changes) }
  if (dryRun || changes.length === 0) {
    return success({ ...body, applied: false, revision, peer: null })
  }
  const applied = await configuration.apply(wanted.value, changes, revision)
  return applied.ok ? success({ ...body, applied: true, ...applied.value }) : applied
}

/** As many changes as one answer holds, and how many there are. */
function told(changes: readonly SiteChange[]): Pick<ChangeBody, 'changes' | 'changesTotal'> {
  const some: ChangeBody['changes'] = []
  let length = 0
  for (const one of changes) {
    length += JSON.stringify(one).length + 1
    if (length > changesLengthMax) break
    some.push({ ...one } as ChangeBody['changes'][number])
  }
  return { changes: some, changesTotal: changes.length }
}
