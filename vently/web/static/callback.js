// What stands after # never reaches the server. An error there is asked for again where it is read; a token is dropped.
const told = new URLSearchParams(location.hash.slice(1));
const error = told.get("error_code") || told.get("error");
const asked = new URLSearchParams(location.search);
if (error && !asked.has("error_code") && !asked.has("error")) location.replace(`${location.pathname}?${new URLSearchParams({ error_code: error })}`);
else if (told.has("message") && !asked.has("message")) location.replace(`${location.pathname}?message=1`);
else if (location.hash) history.replaceState(null, "", location.pathname + location.search);
