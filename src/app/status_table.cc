#include "app/status_table.h"

#include <algorithm>
#include <array>
#include <vector>

#include "api/text.h"

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::array<std::string, 6>;

std::string verdict(const Json& conditions, std::string_view type) {
  for (const Json& condition : conditions) {
    if (condition["type"] == type) return condition["status"];
  }
  return "-";
}

// The message of the first condition that is not as it should be, else of the first that is not
// known.
std::string complaint(const Json& conditions) {
  const auto first = [&](auto matches) -> std::string {
    for (const Json& condition : conditions) {
      if (!matches(condition)) continue;
      return condition["reason"].get<std::string>() + ": " +
             condition["message"].get<std::string>();
    }
    return "";
  };
  const std::string bad = first([](const Json& condition) {
    const bool bad_when_true =
        condition["type"] == "Conflicted" || condition["type"] == "PartiallyInvalid";
    return condition["status"] == (bad_when_true ? "True" : "False");
  });
  return bad.empty() ? first([](const Json& c) { return c["status"] == "Unknown"; }) : bad;
}

// `about`: which parent or ancestor the conditions are about. `extra`: what else there is to say
// when nothing is wrong.
Row row(const std::string& kind, const std::string& name, const Json& conditions,
        const std::string& about, const std::string& extra) {
  std::string programmed = verdict(conditions, "Programmed");
  if (programmed == "-") programmed = verdict(conditions, "kgateway.dev/Programmed");
  const std::string said = complaint(conditions);
  return {kind,
          name,
          verdict(conditions, "Accepted"),
          verdict(conditions, "ResolvedRefs"),
          programmed,
          about + (about.empty() || said.empty() ? "" : ": ") + (said.empty() ? extra : said)};
}

std::string addresses(const Json& status) {
  std::string text;
  for (const Json& address : status.value("addresses", Json::array())) {
    text += (text.empty() ? "" : ", ") + address["value"].get<std::string>();
  }
  return text;
}

// "infra/gw", or "gw" of the same namespace.
std::string name_of(const Json& ref) {
  return (ref.contains("namespace") ? ref["namespace"].get<std::string>() + "/" : "") +
         ref["name"].get<std::string>();
}

std::string parent_text(const Json& ref) {
  std::string text = "to " + ref["kind"].get<std::string>() + " " + name_of(ref);
  if (ref.contains("sectionName")) text += "/" + ref["sectionName"].get<std::string>();
  if (ref.contains("port")) text += ":" + std::to_string(ref["port"].get<int>());
  return text;
}

void add_rows(const Json& item, std::vector<Row>& rows) {
  const Json& meta = item["metadata"];
  const std::string name =
      (meta.contains("namespace") ? meta["namespace"].get<std::string>() + "/" : "") +
      meta["name"].get<std::string>();
  const std::string kind = item["kind"];
  const Json& status = item["status"];
  if (status.contains("parents")) {
    for (const Json& parent : status["parents"]) {
      const Json& ref = parent["parentRef"];
      rows.push_back(row(kind, name, parent["conditions"], parent_text(ref), ""));
    }
  } else if (status.contains("ancestors")) {
    for (const Json& ancestor : status["ancestors"]) {
      rows.push_back(row(kind, name, ancestor["conditions"],
                         "for Gateway " + name_of(ancestor["ancestorRef"]), ""));
    }
  } else {
    rows.push_back(row(kind, name, status["conditions"], "", addresses(status)));
    for (const Json& listener : status.value("listeners", Json::array())) {
      rows.push_back(row("", "  " + listener["name"].get<std::string>(), listener["conditions"], "",
                         std::to_string(listener["attachedRoutes"].get<int>()) + " routes"));
    }
  }
}

}  // namespace

std::string status_table(const Json& status) {
  std::vector<Row> rows = {{"KIND", "NAME", "ACCEPTED", "RESOLVED", "PROGRAMMED", "DETAIL"}};
  for (const Json& item : status["items"]) add_rows(item, rows);
  for (Row& row : rows) {
    for (std::string& cell : row) cell = one_line(cell);
  }
  std::array<std::size_t, 6> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      out += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    out += row.back() + "\n";
  }
  for (const Json& problem : status["problems"]) {
    out += "\n" + one_line(problem["text"].get<std::string>());
  }
  if (!status["problems"].empty()) out += "\n";
  return out;
}

}  // namespace kgw::app
