//! Which files of a unit test run are red, by the words of the test runner, and what was said outside of any
//! test: an exception that nobody caught, a process that ended. Pure.

/** What the runner says of a file rather than of a test. */
const outsideOfTests =
  /^(Uncaught exception in|Unhandled rejection in|Failed to exit when running|No tests found in) |^✘ \S+ exited /

/** How the runner begins the title of each test of a file: `cli › test › beacon`. */
function titleOf(file: string): string {
  return file.replace(/\.test\.ts$/, '').replaceAll('/', ' › ')
}

/** @param files Paths from the root, with slashes. @returns those with a red test or a word outside of tests. */
export function redFiles(output: string, files: readonly string[]): string[] {
  const lines = output.split('\n').map((line) => line.trim())
  const red = lines.filter((line) => line.startsWith('✘') || outsideOfTests.test(line))
  return files.filter((file) =>
    red.some((line) => line.includes(`${titleOf(file)} › `) || line.split(' ').includes(file)),
  )
}

/** @returns what was said outside of tests, each with the lines up to the next result. */
export function saidOutside(output: string): string[] {
  const blocks: string[][] = []
  let isInside = false
  for (const line of output.split('\n')) {
    const text = line.trim()
    if (outsideOfTests.test(text)) {
      blocks.push([])
      isInside = true
    } else if (/^[✔✘─]/.test(text) || /^\d+ tests? (passed|failed)/.test(text)) isInside = false
    if (isInside) blocks.at(-1)?.push(line)
  }
  return blocks.map((block) => block.join('\n').trim())
}
