// Hostname arithmetic: exact names ("a.b.c"), wildcards ("*.b.c": one label or more before ".b.c",
// never "b.c" itself) and the empty name, which stands for every host.
// Source: Gateway API v1 Listener.hostname, HTTPRoute.hostnames.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/name.h"

namespace kgw::attach {

// Lower case; "*" becomes the empty name.
Name normal_hostname(std::string_view text);

// Every host of `host` is one of `pattern`. Both are in normal form.
bool covers(std::string_view pattern, std::string_view host);

// What both stand for: the more specific of the two if the other covers it.
std::optional<Name> intersect(const Name& a, const Name& b);

// The next less specific pattern that covers `host`: "a.b.c" -> "*.b.c" -> "*.c" -> "".
// REQUIRES: `host` is not empty.
std::string wider(std::string_view host);

// True if `a` is more specific than `b`, where both cover a common host: exact names before
// wildcards, longer wildcards before shorter ones, the empty name last.
bool more_specific(std::string_view a, std::string_view b);

// How Envoy writes it: "*" for every host.
inline Name domain_of(const Name& hostname) { return hostname.empty() ? Name("*") : hostname; }

}  // namespace kgw::attach
