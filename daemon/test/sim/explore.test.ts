//! Exhaustive: all sequences of nine events, by kinds of events. `npm run explore` goes further.
import test from 'ava'
import { deepProfiles } from '../../sim/explore/profiles.ts'
import { Search } from '../../sim/explore/search.ts'
import { tell } from '../../sim/explore/story.ts'

const minutesMax = 5

for (const profile of deepProfiles) {
  test.serial(`all sequences of ${profile.depth} events, of ${profile.name}`, (t) => {
    t.timeout(minutesMax * 60_000)
    const found = new Search(profile).run()
    const story = found.violation === null ? [] : tell(profile, found.violation.events)
    t.is(found.violation, null, [found.violation?.what, ...story].join('\n'))
    t.true(found.depth >= 9)
    t.true(found.sequences > 10_000_000, `${found.sequences}`)
  })
}
