# Linking alone does not stop a header of a later layer from being included; this does.
set(check "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/check_layers.py")
add_test(NAME layers COMMAND ${check} ${KGW_LAYERS} --src "${CMAKE_SOURCE_DIR}/src")
add_test(NAME layers_check_can_fail
  COMMAND ${check} ${KGW_LAYERS} --src "${CMAKE_SOURCE_DIR}/tools/testdata/layers/src")
set_tests_properties(layers_check_can_fail PROPERTIES
  PASS_REGULAR_EXPRESSION "src/api/looks_ahead.h:3: includes engine/table.h, a later layer")
set_tests_properties(layers layers_check_can_fail PROPERTIES LABELS unit)
