// Equivalent spellings of a path (RFC 3986, 6.2.2), and which of them Envoy makes alike.
//
// Envoy decodes the unreserved characters of a request's path ("/x%41" becomes "/xA") before it
// compares, and leaves every other escape as the client wrote it: tried for each byte with 1.40. So
// a literal of a route is decoded the same way, once, and where escapes with letters remain
// ("%C3%A9"), it is compared without regard to case, beside a condition that the letters outside of
// escapes are the same.
#pragma once

#include <string>
#include <string_view>

#include "policy/envoy_rules.h"

namespace kgw::policy {

// What may stand behind a literal, before the query.
enum class PathEnd { kNothing, kSegments, kAnything };

// Unreserved characters decoded, the other escapes in upper case.
std::string normal_path(std::string_view path);

// No "//", "." and "..", which no request has once it is normalized. REQUIRES: normal.
Problem check_segments(std::string_view normal);

// Whether requests may spell it in several ways that Envoy tells apart.
bool has_spellings(std::string_view normal);

// A comparison without regard to case takes more than the spellings, and no expression that Envoy
// takes can say which.
bool takes_any_case(std::string_view normal, PathEnd end);

// What `:path`, with its query, must match beside that comparison; empty = nothing.
std::string spelling_regex(std::string_view normal, PathEnd end);

// What any path begins with that an unusable path or expression could mean, as far as that is
// certain; may be empty.
std::string certain_beginning(std::string_view unusable);

}  // namespace kgw::policy
