// The win probabilities of a race, in JavaScript:  GREYHOUND_URL=http://localhost:8000 node examples/predict.mjs
// Plain fetch, as in browsers and Node 18 or newer. (A page from another origin must be let in by the service's
// setting GREYHOUND_CORS_ORIGINS.)

const url = process.env.GREYHOUND_URL ?? "http://localhost:8000";

const card = {
  date: "2026-03-14", track: "Sandown Park", distance_m: 515,
  runners: [
    { name: "Sir Tick", box: 1, price: 2.4, form: [
      { date: "2026-03-07", track: "Sandown Park", distance_m: 515, finish_position: 2, time_s: 29.61 }] },
    { name: "Nala's Ghost", box: 2, price: 3.6 },
    { name: "Quiet Harbour", box: 4, price: 3.9 },
  ],
};

/** A problem document (RFC 9457) as an error: `status`, `type` for programs, `errors` with a pointer to each field. */
class Problem extends Error {
  constructor(status, document) {
    const broken = (document.errors ?? []).map(({ pointer, rule }) => `\n  ${pointer}: ${rule}`);
    super(`${document.title} (${status}): ${document.detail}${broken.join("")}`);
    Object.assign(this, document, { status });
  }
}

/** The probabilities of a card; it is sent again while the service is overloaded and says when to come back. */
async function predict(card, nTries = 3) {
  const answer = await fetch(`${url}/predict`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(card),
    signal: AbortSignal.timeout(30_000),
  });
  if (answer.ok) return answer.json();
  const wait_s = Number(answer.headers.get("Retry-After"));
  if (answer.status === 503 && wait_s > 0 && nTries > 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * wait_s * (1 + Math.random() / 4)));
    return predict(card, nTries - 1);
  }
  const problem = await answer.json().catch(() => ({ title: answer.statusText, detail: "without further details" }));
  throw new Problem(answer.status, problem);
}

try {
  const { model_version, runners } = await predict(card);
  console.log(`model version ${model_version}`);
  for (const { box, name, win_probability, fair_price } of runners.sort((a, b) => a.rank - b.rank)) {
    const percent = (100 * win_probability).toFixed(1).padStart(5);
    console.log(`${box} ${name.padEnd(15)} ${percent} %  fair ${fair_price.toFixed(2)}`);
  }
} catch (error) {
  const { cause } = error; // fetch sets it where there is no connection
  console.error(cause ? `${url} cannot be reached: ${cause.message || cause.code}` : error.message);
  process.exitCode = 1;
}
