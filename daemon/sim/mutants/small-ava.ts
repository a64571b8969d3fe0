//! Stands in for ava while a mutant is tried: the same test files, in one process, up to the first test
//! that fails. Only what those files use of ava is here; anything else fails loudly, also without a
//! mutant, which is tried first.
import { deepStrictEqual, doesNotThrow, notDeepStrictEqual, ok, throws } from 'node:assert/strict'

type Body = (t: Assertions) => unknown

interface Collected {
  readonly title: string
  readonly body: Body
}

class Assertions {
  readonly teardowns: (() => unknown)[] = []

  is(actual: unknown, expected: unknown, _message?: string): void {
    ok(Object.is(actual, expected), `${String(actual)} is not ${String(expected)}`)
  }

  not(actual: unknown, other: unknown): void {
    ok(!Object.is(actual, other), `is ${String(other)}`)
  }

  true(value: unknown, message?: string): void {
    ok(value === true, message)
  }

  false(value: unknown, message?: string): void {
    ok(value === false, message)
  }

  truthy(value: unknown, message?: string): void {
    ok(value, message)
  }

  falsy(value: unknown, message?: string): void {
    ok(!value, message)
  }

  deepEqual(actual: unknown, expected: unknown): void {
    deepStrictEqual(actual, expected)
  }

  notDeepEqual(actual: unknown, other: unknown): void {
    notDeepStrictEqual(actual, other)
  }

  like(actual: object | undefined, part: object): void {
    for (const [name, value] of Object.entries(part)) {
      const held = (actual as Record<string, unknown>)[name]
      const isPart = typeof value === 'object' && value !== null && typeof held === 'object'
      if (isPart && held !== null) this.like(held, value)
      else deepStrictEqual(held, value)
    }
  }

  regex(text: string, pattern: RegExp): void {
    ok(pattern.test(text), `${text} does not match`)
  }

  notRegex(text: string, pattern: RegExp): void {
    ok(!pattern.test(text), `${text} matches`)
  }

  throws(run: () => unknown): void {
    throws(run)
  }

  notThrows(run: () => unknown): void {
    doesNotThrow(run)
  }

  fail(message = 'failed'): void {
    ok(false, message)
  }

  pass(): void {}

  timeout(): void {}

  log(): void {}

  teardown(run: () => unknown): void {
    this.teardowns.push(run)
  }
}

/** A difference of two long texts says no more in full. */
const whyMax = 300
const collected: Collected[] = []

function collect(title: string, body: Body): void {
  collected.push({ title, body })
}

/** What a test file gets when it imports ava. */
export const collector = Object.assign(collect, { serial: collect })

/** @returns the first test that failed and why, or null. Forgets the tests. */
export async function runCollected(): Promise<{ title: string; why: string } | null> {
  for (const { title, body } of collected.splice(0)) {
    const assertions = new Assertions()
    try {
      await body(assertions)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { title, why: why.slice(0, whyMax) }
    } finally {
      for (const end of assertions.teardowns.reverse()) await end()
    }
  }
  return null
}
