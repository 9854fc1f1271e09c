// Latency: how often something took how long, in buckets as Prometheus counts them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kgw::xds {

class Latency {
 public:
  // Upper bounds of the buckets, in seconds; one more is without a bound.
  static constexpr std::array kBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01,
                                         0.025,  0.05,    0.1,    0.25,  0.5,   1.0,   2.5,   10.0};

  void add(std::chrono::steady_clock::duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
    ++counts_[bucket];
    ++count_;
    sum_ += seconds;
  }

  // By bucket, not cumulative.
  const std::array<std::uint64_t, kBounds.size() + 1>& counts() const { return counts_; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }  // seconds

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace kgw::xds
