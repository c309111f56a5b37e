// Rights: the defaults of each object type are those of the public header, as the data states them.
#include "kernel/abi/rights.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "kernel/abi/format.h"
#include "tests/support/source_root.h"
#include "tests/support/test.h"

namespace jacinth::abi {
namespace {

/// ZX_DEFAULT_<NAME>_RIGHTS from the data.
std::map<std::string, uint32_t> default_rights_in_data() {
  std::ifstream file(source_path("kernel/abi/data/constants.json"));
  const nlohmann::json data = nlohmann::json::parse(file);
  std::map<std::string, uint32_t> rights;
  for (const auto& row : data["sets"]["rights_groups"]["values"])
    rights[row[0]] = static_cast<uint32_t>(std::stoul(row[1].get<std::string>(), nullptr, 0));
  return rights;
}

/// "PORT" for ObjectType::kPort; the header spells two types otherwise.
std::string upper_name(ObjectType type) {
  if (type == ObjectType::kDebuglog) return "LOG";
  std::string name(object_type_name(type));
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

TEST_CASE("new handles have the rights that the public header gives their type") {
  const auto expected = default_rights_in_data();
  int types = 0;
  for (uint32_t number = 1; number < kObjectTypeUpperBound; ++number) {
    const auto type = static_cast<ObjectType>(number);
    if (object_type_name(type).empty()) {
      REQUIRE(default_rights(type) == Rights::kNone);
      continue;
    }
    const std::string name = "ZX_DEFAULT_" + upper_name(type) + "_RIGHTS";
    INFO(name);
    REQUIRE(expected.contains(name));
    REQUIRE(raw(default_rights(type)) == expected.at(name));
    ++types;
  }
  REQUIRE(types == 28);
  REQUIRE(raw(kSystemEventRights) == expected.at("ZX_DEFAULT_SYSTEM_EVENT_LOW_MEMORY_RIGHTS"));
  REQUIRE(raw(Rights::kBasic) == expected.at("ZX_RIGHTS_BASIC"));
}

TEST_CASE("no new handle has the rights that only requests name") {
  for (uint32_t number = 0; number < kObjectTypeUpperBound; ++number)
    REQUIRE_FALSE(intersects(default_rights(static_cast<ObjectType>(number)), Rights::kSameRights));
}

TEST_CASE("sets of bits answer all, any and nothing else") {
  constexpr Rights some = Rights::kRead | Rights::kWrite;
  REQUIRE(contains(some, Rights::kRead));
  REQUIRE_FALSE(contains(some, Rights::kRead | Rights::kMap));
  REQUIRE(intersects(some, Rights::kRead | Rights::kMap));
  REQUIRE(contains(some, Rights::kNone));
  REQUIRE_FALSE(intersects(some, Rights::kNone));
  REQUIRE(within(some, Rights::kReadWrite));
  REQUIRE_FALSE(within(some, Rights::kRead));
}

}  // namespace
}  // namespace jacinth::abi
