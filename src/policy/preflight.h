// Which preflights belong to a match, for CORS.
//
// Before a page's request, a browser asks for leave: OPTIONS of the same URL, with Origin, the
// method to come in Access-Control-Request-Method, and the names of the headers that the page sets
// in Access-Control-Request-Headers. A match by method or by headers takes the requests and not
// their preflights; the matches here do. A preflight goes to the match that takes the request it
// announces, so they are ranked among themselves as the matches are; before matches for any method
// and behind those for OPTIONS, which the user has asked for in so many words.
#pragma once

#include <vector>

#include "policy/match.h"

namespace kgw::policy {

// None where `match` itself takes its preflights.
std::vector<BoundMatch> preflights_of(const BoundMatch& match);

// The place of preflights_of(match).
Specificity preflight_specificity(const BoundMatch& match);

}  // namespace kgw::policy
