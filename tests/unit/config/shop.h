#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <chatgate/config/reading.h>
#include <chatgate/config/table.h>

namespace chatgate::config {

/// A configuration that has one of everything.
struct Shelf {
  std::string name = "main";
  std::uint16_t height = 2;
  std::vector<std::string> labels;

  friend bool operator==(const Shelf&, const Shelf&) = default;
};

struct Price {
  std::uint64_t cents = 100;

  friend bool operator==(const Price&, const Price&) = default;
};

struct Shop {
  bool open = true;
  std::string sign = "hello\n";
  std::chrono::nanoseconds lunch = std::chrono::minutes{30};
  std::vector<Shelf> shelves{Shelf{}};
  std::map<std::string, Price> prices{{"tea", Price{}}};

  friend bool operator==(const Shop&, const Shop&) = default;
};

inline Table<Shop> shop_table() {
  const auto shelf = Table<Shelf>{}
                         .key("name", &Shelf::name, name(), "Its name.")
                         .key("height", &Shelf::height, Whole{1, 9, "auto"}, "Metres.")
                         .list("labels", &Shelf::labels, text(8), {0, 2}, "What is on it.");
  const auto price = Table<Price>{}.key("cents", &Price::cents, Whole{0, 1000}, "Of one.");
  const auto hours =
      Table<Shop>{}
          .key("open", &Shop::open, boolean(), "Whether it is open.", Apply::Restart)
          .key("lunch", &Shop::lunch, duration(std::chrono::seconds{0}, std::chrono::hours{2}),
               "The | break.");
  return Table<Shop>{}
      .section("hours", std::identity{}, hours, "When.")
      .key("sign", &Shop::sign, text(64), "At the door.")
      .entries("shelves", &Shop::shelves, &Shelf::name, shelf, {1, 3}, "Where.")
      .map("prices", &Shop::prices, price, {1, 3}, "How much.");
}

struct Loaded {
  Shop shop;
  Reading reading;
  bool is_document = false;

  /// The diagnostics as an operator reads them.
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& diagnostic : reading.diagnostics) lines.push_back(to_text(diagnostic));
    return lines;
  }
};

inline Loaded load(std::string_view yaml, const Environment& environment = {}) {
  Loaded loaded;
  const auto table = shop_table();
  loaded.is_document = read_yaml(yaml, "shop.yaml", table.root(), &loaded.shop, loaded.reading);
  read_environment(environment, "SHOP__", table.root(), &loaded.shop, loaded.reading);
  return loaded;
}

}  // namespace chatgate::config
