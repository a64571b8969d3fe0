//! A long site file is read on a thread, with the same result as a short one.
import test from 'ava'
import { checkSiteAside, parseSiteAside } from '../../src/oam/site-check.ts'
import { checkSite } from '../../src/oam/site-config.ts'

const accounts = Array.from(
  { length: 1_000 },
  (_, index) => `  ${3_000 + index}: { password: x }\n`,
)
const long = `accounts:\n${accounts.join('')}`

test('a long file gives the site that a short one gives', async (t) => {
  const { site } = checkSite(long, 'r')
  t.deepEqual(await parseSiteAside(long, 'r'), { ok: true, value: site ?? t.fail() })
  const short = 'accounts:\n  1: { password: x }\n'
  t.deepEqual(await checkSiteAside(short, 'r'), { ok: true, value: checkSite(short, 'r') })
})

test('the problems of a long file have their places', async (t) => {
  const checked = await checkSiteAside(`${long}  3000: { password: x }\nbad: 1\n`, 'r')
  const problems = checked.ok ? checked.value.problems : []
  t.deepEqual(
    problems.map(({ line, column, text }) => ({ line, column, text })),
    [{ line: 1_002, column: 3, text: 'Map keys must be unique' }],
  )
})

test('a loop goes on while a long file is read', async (t) => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await checkSiteAside(long, 'r')
  clearInterval(timer)
  t.true(turns > 1)
})
