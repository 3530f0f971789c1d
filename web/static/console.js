// Says whether the page is kept current. Whoever looks at it must not take old numbers for new ones.
const connection = document.getElementById("events");

const told = {
  live: "live",
  lost: "not connected",
};

function tell(state) {
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connection.textContent = told[state];
}

if (connection) {
  document.addEventListener("htmx:sse:after:connection", () => tell("live"));
  // Also before each attempt to connect again; the first one is told of as well, and lasts a moment.
  for (const event of ["htmx:sse:before:connection", "htmx:sse:error", "htmx:sse:close"]) {
    document.addEventListener(event, () => tell("lost"));
  }
}
