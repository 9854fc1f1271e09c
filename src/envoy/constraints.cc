#include "envoy/constraints.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/constraint_rules.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"

namespace kgw::envoy {
namespace {

using google::protobuf::Descriptor;
using Kind = FieldTable::Kind;
using Wire = FieldTable::Wire;

constexpr int kMaxDepth = 100;
constexpr const char* kUnreadable = ": cannot be read";

// Reads the fields of a serialized message.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  struct Field {
    std::uint64_t number = 0;
    int wire_type = 0;
    std::uint64_t value = 0;  // of a varint, or the bits of a fixed one
    std::string_view bytes;   // of what is length-delimited
  };

  bool more() const { return at_ < end_; }

  bool varint(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<std::uint8_t>(*at_++);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool fixed(std::size_t size, std::uint64_t& value) {
    if (static_cast<std::size_t>(end_ - at_) < size) return false;
    value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at_[i])) << (8 * i);
    }
    at_ += size;
    return true;
  }

  bool next(Field& field) {
    std::uint64_t tag = 0;
    if (!varint(tag)) return false;
    field.number = tag >> 3;
    field.wire_type = static_cast<int>(tag & 7);
    switch (field.wire_type) {
      case 0:
        return varint(field.value);
      case 1:
        return fixed(8, field.value);
      case 2: {
        std::uint64_t size = 0;
        if (!varint(size) || size > static_cast<std::uint64_t>(end_ - at_)) return false;
        field.bytes = {at_, static_cast<std::size_t>(size)};
        at_ += size;
        return true;
      }
      case 5:
        return fixed(4, field.value);
      default:
        return false;
    }
  }

 private:
  const char* at_;
  const char* end_;
};

double number_of(Wire wire, std::uint64_t bits) {
  switch (wire) {
    case Wire::kSigned:
      return static_cast<double>(static_cast<std::int64_t>(bits));
    case Wire::kFloat:
      return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case Wire::kDouble:
      return std::bit_cast<double>(bits);
    default:
      return static_cast<double>(bits);
  }
}

// "Nothing is wrong", or a path with what is.
using Found = std::optional<std::string>;

Found check_message(const MessageTable& table, std::string_view bytes, int depth);

Found check_duration(const Bounds& bounds, std::string_view bytes) {
  double seconds = 0, nanos = 0;
  Reader reader(bytes);
  for (Reader::Field field; reader.more();) {
    if (!reader.next(field)) return kUnreadable;
    (field.number == 1 ? seconds : nanos) = number_of(Wire::kSigned, field.value);
  }
  const Broken broken = bounds.check(seconds + nanos * 1e-9);
  return broken ? Found(": " + *broken + " s") : std::nullopt;
}

Found check_packed(std::string_view any, int depth) {
  std::string_view type_url, value;
  Reader reader(any);
  for (Reader::Field field; reader.more();) {
    if (!reader.next(field)) return kUnreadable;
    if (field.number == 1) type_url = field.bytes;
    if (field.number == 2) value = field.bytes;
  }
  const MessageTable* table = table_of_packed(type_url);
  return table == nullptr ? std::nullopt : check_message(*table, value, depth);
}

// Of one message: what its fields say, and how often each came.
class Walk {
 public:
  Walk(const MessageTable& table, int depth)
      : table_(table), depth_(depth), counts_(table.fields.size()) {}

  Found run(std::string_view bytes) {
    if (depth_ > kMaxDepth) return kUnreadable;
    Reader reader(bytes);
    for (Reader::Field field; reader.more();) {
      if (!reader.next(field)) return kUnreadable;
      const FieldTable* known = table_.find(field.number);
      if (known == nullptr) continue;
      if (Found found = take(*known, field)) return found;
    }
    return check_counts();
  }

 private:
  std::uint32_t& count(const FieldTable& field) {
    return counts_[static_cast<std::size_t>(&field - table_.fields.data())];
  }

  Found take(const FieldTable& known, const Reader::Field& field) {
    if (known.kind == Kind::kNumber && field.wire_type == 2)
      return take_packed_numbers(known, field.bytes);
    const std::uint32_t index = count(known)++;
    if (known.unique && !is_new(known, field.bytes)) return ": an entry is repeated";
    Found found = check(known, field);
    if (!found) return {};
    const std::string name =
        known.repeated ? known.name + "[" + std::to_string(index) + "]" : known.name;
    return name + (found->starts_with(':') ? "" : ".") + *found;
  }

  // Either ": what is wrong", or the path from here on.
  Found check(const FieldTable& known, const Reader::Field& field) const {
    Broken broken;
    switch (known.kind) {
      case Kind::kNumber:
        if (known.value) broken = known.value->check(number_of(known.wire, field.value));
        break;
      case Kind::kText:
        if (known.text) broken = known.text->check(field.bytes);
        break;
      case Kind::kDuration:
        return known.duration ? check_duration(*known.duration, field.bytes) : std::nullopt;
      case Kind::kMessage:
        return known.message ? check_message(*known.message, field.bytes, depth_ + 1)
                             : std::nullopt;
      case Kind::kAny:
        return check_packed(field.bytes, depth_ + 1);
      case Kind::kIgnored:
        break;
    }
    return broken ? Found(": " + *broken) : std::nullopt;
  }

  Found take_packed_numbers(const FieldTable& known, std::string_view bytes) {
    Reader reader(bytes);
    for (Reader::Field field; reader.more();) {
      const bool wide = known.wire == Wire::kDouble || known.wire == Wire::kFixed64;
      const bool narrow = known.wire == Wire::kFloat || known.wire == Wire::kFixed32;
      const bool read = wide     ? reader.fixed(8, field.value)
                        : narrow ? reader.fixed(4, field.value)
                                 : reader.varint(field.value);
      if (!read) return known.name + kUnreadable;
      if (Found found = take(known, field)) return found;
    }
    return {};
  }

  bool is_new(const FieldTable& known, std::string_view bytes) {
    const std::pair entry(&known, bytes);
    if (std::ranges::find(entries_, entry) != entries_.end()) return false;
    entries_.push_back(entry);
    return true;
  }

  Found check_counts() {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const FieldTable& field = table_.fields[i];
      const std::uint32_t seen = counts_[i];
      if (seen == 0 && field.required) return field.name + ": is required";
      if (seen == 0 && field.when_unset) return field.name + ": " + *field.when_unset;
      if (seen < field.min_items) {
        return field.name + ": must have at least " + std::to_string(field.min_items) + " entries";
      }
      if (field.repeated && seen > field.max_items) {
        return field.name + ": must have at most " + std::to_string(field.max_items) + " entries";
      }
    }
    for (const MessageTable::OneOf& one_of : table_.required) {
      const bool set =
          std::ranges::any_of(one_of.members, [&](std::size_t i) { return counts_[i] > 0; });
      if (!set) return one_of.name + ": is required";
    }
    return {};
  }

  const MessageTable& table_;
  const int depth_;
  absl::InlinedVector<std::uint32_t, 64> counts_;
  std::vector<std::pair<const FieldTable*, std::string_view>> entries_;  // of unique fields
};

Found check_message(const MessageTable& table, std::string_view bytes, int depth) {
  return Walk(table, depth).run(bytes);
}

const Descriptor& descriptor_of(ResourceType type) {
  switch (type) {
    case ResourceType::kSecret:
      return *::envoy::extensions::transport_sockets::tls::v3::Secret::descriptor();
    case ResourceType::kCluster:
      return *::envoy::config::cluster::v3::Cluster::descriptor();
    case ResourceType::kEndpoint:
      return *::envoy::config::endpoint::v3::ClusterLoadAssignment::descriptor();
    case ResourceType::kListener:
      return *::envoy::config::listener::v3::Listener::descriptor();
    case ResourceType::kScopedRoute:
      return *::envoy::config::route::v3::ScopedRouteConfiguration::descriptor();
    case ResourceType::kRoute:
      break;
  }
  return *::envoy::config::route::v3::RouteConfiguration::descriptor();
}

}  // namespace

std::optional<std::string> broken_constraint(const Descriptor& type, std::string_view message) {
  const MessageTable* table = table_of(type);
  return table == nullptr ? std::nullopt : check_message(*table, message, 0);
}

std::optional<std::string> broken_constraint(ResourceType type, std::string_view message) {
  return broken_constraint(descriptor_of(type), message);
}

}  // namespace kgw::envoy
