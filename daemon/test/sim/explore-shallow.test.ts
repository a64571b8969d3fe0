//! The explorer to a depth that takes some seconds: the first to see what a change breaks.
import test from 'ava'
import { profiles } from '../../sim/explore/profiles.ts'
import { Search } from '../../sim/explore/search.ts'
import { tell } from '../../sim/explore/story.ts'

for (const profile of profiles) {
  const depth = Math.min(profile.depth - 1, profile.begunMax ?? 5)
  test(`all sequences of ${depth} events, of ${profile.name}`, (t) => {
    const { violation } = new Search(profile).run(depth)
    const story = violation === null ? [] : tell(profile, violation.events)
    t.is(violation, null, [violation?.what, ...story].join('\n'))
  })
}
