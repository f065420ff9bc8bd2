#include "man_page.h"

#include <chatgate/config/effective.h>
#include <chatgate/config/reference.h>
#include <chatgate/service/config_docs.h>
#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

constexpr const char* kIntroduction = R"(# Configuration

This page is generated from the table that the parser uses; do not edit it.
`chatgate check --config FILE` reports every mistake of a file at `file:line:column`,
`chatgate config --config FILE` prints the effective values and where each came from.

| file | what it is |
|---|---|
| `chatgate.yaml` | every key with its default; the gateway behaves the same with an empty file |
| `seed.yaml` | greet, read once, reply, close: what the blocking client of old expects |
| `production.yaml` | a start for a service that people depend on |
| `chatgate.schema.json` | the JSON Schema (draft-07) of a file, for editors and validators |

## Rules

- YAML 1.2, one document, at most 4 MiB, UTF-8. Unknown and duplicate keys are errors; so are merge
  keys (`<<`), tags, and a value without its unit. Aliases are allowed.
- Every key has a default. A `listeners` or `services` that is given replaces the default one as a
  whole; keys that an entry leaves out have their defaults.
- A changed key marked *reload* is applied by SIGHUP or `POST /reload`. When one marked *restart*
  has changed, the reload is refused as a whole and says so.

| unit of | written as |
|---|---|
| time | `250ms`, `30s`, `15m`, `2h`, `1m30s`; the unit is mandatory, for `0s` too |
| size | `512B`, `4KiB`, `16MiB`, `1GiB`; whole numbers |
| rate | `20/s`, `90/m`, `5/h` |
| number | decimal digits; no sign, no leading zero, no quotes |
| switch | `true` or `false` |

Templates hold `{peer}`, `{subject}` (whom the client's certificate names), `{listener}`,
`{session}`, `{time}` and `{connections}`; a farewell and a reply `{count}` too, and a reply
`{message}`. `{{` and `}}` are braces.

## Environment

A variable `CHATGATE__SECTION__KEY` overrides the file, which overrides the default. Sections are
joined by two underscores; an entry of `listeners` or `services` goes by its name, with `-` as `_`,
or by its number from 0; upper and lower case are the same. A list is separated by commas. The text
is taken as it is: a backslash is a backslash. A variable that matches no key is an error.

```
CHATGATE__LIMITS__MAX_CONNECTIONS=500
CHATGATE__LISTENERS__PUBLIC__ADDRESS=0.0.0.0:1935
CHATGATE__SERVICES__GREETER__QUIT_WORDS=quit,exit
```

Variables change entries and do not add any; a listener's `name` stays as it is.
No key holds a secret: `admin.token_file` names the file that does.

## Between keys

- Each listener's `service` exists; no address is used twice, port 0 excepted.
- `proxy_protocol: required` needs `proxy_trusted`, but on a Unix socket, whose file says who may.
- A `certificate` has its `key`, and both can be read and belong together: here and in `admin.tls`.
- `limits.per_source.penalties.min` ≤ `max`.
- `overload.first_message` ≤ `idle`, but for `0s`.
- `output.soft` ≤ `output.hard` ≤ `output.budget`.
- The longest greeting, farewell and reply fit in `output.hard`; with `utf8: replace` a message can
  triple.
- A quit word is no longer than `max_message`.
- `drain.announce` + `grace` + `spread` + `linger` ≤ `deadline`.
- `idle_warning` needs a `timeouts.idle` beyond 30 s.

## Keys

)";

}  // namespace

std::string effective_config_text(const LoadedConfig& loaded) {
  auto config = loaded.config;
  return config::effective_yaml(schema().root(), &config, loaded.origins);
}

std::string reference_markdown() {
  GatewayConfig defaults;
  auto text = kIntroduction + config::reference_tables(schema().root(), &defaults);
  text.pop_back();  // The blank line behind the last table.
  return text;
}

std::string reference_man_page() {
  constexpr const char* kFrame = R"(## Description

The file that `chatgate run` reads. In the package it is `/etc/chatgate/chatgate.yaml`.

)";
  constexpr const char* kEnd = R"(
## See also

`chatgate`(1), `systemd.socket`(5)
)";
  return to_man_page({"chatgate.yaml", 5, "configuration of the gateway chatgate"},
                     kFrame + reference_markdown() + kEnd);
}

}  // namespace chatgate::service
