//! Profiles of accounts, and the words of the site file that the core knows.
import test from 'ava'
import {
  accountTypes,
  defaultProfile,
  priorities,
  profileOf,
  profileSchema,
} from '../../src/tables/profile.ts'
import { failOvers, featureCodes, toneCountries } from '../../src/tables/site-words.ts'

test('an account that says nothing has the profile of its type, and one that says more has its own', (t) => {
  for (const type of accountTypes) {
    t.deepEqual(profileSchema.parse(defaultProfile(type)), defaultProfile(type))
    t.is(profileOf({ type, profile: null }), defaultProfile(type))
  }
  const profile = { ...defaultProfile('telephone'), settings: defaultProfile('radio').settings }
  t.is(profileOf({ type: 'position', profile }), profile)
  t.is(defaultProfile('position').line.waiting, 5)
})

test('no two services have the same digits, and none that takes no number hides another one', (t) => {
  const codes = Object.values(featureCodes)
  t.is(new Set(codes.map(({ digits }) => digits)).size, codes.length)
  for (const { digits } of codes.filter(({ number }) => number)) {
    const hidden = codes.filter((one) => one.digits !== digits && one.digits.startsWith(digits))
    t.deepEqual(hidden, [], digits)
  }
})

test('words of the site are said once', (t) => {
  for (const words of [accountTypes, priorities, failOvers, toneCountries]) {
    t.is(new Set<string>(words).size, words.length)
  }
})
